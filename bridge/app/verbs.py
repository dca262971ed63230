"""What a person may have the bridge do: the same through the control socket and with the store alone."""

from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

from bridge import letters
from bridge.errors import NotFound
from bridge.events import Event, emit
from bridge.intake.control import Verb
from bridge.intake.undelivered import printed
from bridge.ops.retention import Purger
from bridge.pipeline import mend, replay, restored, risks, undelivered, worklist
from bridge.pipeline.later import Translator
from bridge.pipeline.replay import Replayer
from bridge.pipeline.report import EVENTS, report
from bridge.pipeline.restored import Reconciler
from bridge.sources import outcome_event
from bridge.store import Store, replays
from bridge.store.audit import Hand
from bridge.store.messages import Message

Said = dict[str, Any]
IMPORTED = "outcomes-imported"  # an action of the audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """What the verbs work with."""

    store: Store
    translator: Translator
    purger: Purger
    reconciler: Reconciler
    look: Callable[[], Awaitable[None]]  # at the limits, so that a hold counts at once
    wake: Callable[[], None]

    def verbs(self) -> Mapping[str, Verb]:
        """Every verb by name."""
        return {
            "release": self._release,
            "discard": self._discard,
            "purge": self._purge,
            "purge-preview": self._purge_preview,
            "run-begin": self._run_begin,
            "run-step": self._run_step,
            "hold": self._hold,
            "resume": self._resume,
            "reconcile-step": self._reconcile_step,
            "worklist-print": self._worklist_print,
            "worklist-filed": self._worklist_filed,
            "risk-acknowledge": self._risk_acknowledge,
            "risk-show": self._risk_show,
            "outcomes-import": self._outcomes_import,
            "undelivered-print": self._undelivered_print,
        }

    async def _release(self, hand: Hand, said: Said) -> Said:
        ctx, item = self.translator.context, said["item"]
        state = await self.store.run(lambda tx: mend.release(tx, ctx, hand, item))
        self.wake()
        return {"id": item, "state": state}

    async def _discard(self, hand: Hand, said: Said) -> Said:
        ctx, item = self.translator.context, said["item"]
        state = await self.store.run(lambda tx: mend.discard(tx, ctx, hand, item))
        self.wake()
        return {"id": item, "state": state}

    async def _purge(self, hand: Hand, _said: Said) -> Said:
        counts = await self.purger.purge()
        await self.store.run(lambda tx: hand.sign(tx, "purge", ""))
        return {"busy": True} if counts is None else dict(counts)

    async def _purge_preview(self, _hand: Hand, _said: Said) -> Said:
        return dict(await self.purger.preview())

    async def _run_begin(self, hand: Hand, said: Said) -> Said:
        """Remember a new run; with `label` the one that was interrupted."""
        if said.get("label"):
            return asdict(await self._run_of(said["label"]))
        run = replays.run_from(said["run"])
        if not said["dry"]:
            await self.store.run(lambda tx: replay.begin(tx, hand, run))
        return asdict(run)

    async def _run_step(self, hand: Hand, said: Said) -> Said:
        """One item of a run; a dry run is held by whoever asks, since it leaves nothing behind."""
        run = replays.run_from(said["run"]) if said["dry"] else await self._run_of(said["run"]["label"])
        moved, step = await Replayer(translator=self.translator, hand=hand, dry=said["dry"]).step(run)
        if not said["dry"]:
            self.wake()
        return {"run": asdict(moved), "step": None if step is None else asdict(step)}

    async def _hold(self, hand: Hand, said: Said) -> Said:
        made = await self.store.run(lambda tx: restored.stand_still(tx, hand, restored=said["restored"]))
        await self.look()
        return asdict(made)

    async def _resume(self, hand: Hand, said: Said) -> Said:
        lifted = await self.store.run(lambda tx: restored.go_on(tx, hand, park=said["park"]))
        await self.look()
        self.wake()
        return lifted

    async def _reconcile_step(self, _hand: Hand, said: Said) -> Said:
        looked, after = await self.reconciler.step(said["after"])
        return {"looked": [asdict(each) for each in looked], "after": after}

    async def _worklist_print(self, hand: Hand, said: Said) -> Said:
        """A practice's letters as `form` pdf or html, in base64; each is audited as read."""
        items = await self.store.run(lambda tx: worklist.shown(tx, hand, said["practice"]))
        found = [item.letter for item in items if item.letter]
        if not found:
            return {"letters": 0, "content": ""}
        title = letters.WORKLIST if len(found) > 1 else ""
        if said["form"] == "pdf":
            content = await letters.pdf_aside(found, title=title)
        else:
            content = letters.html(found, title=title).encode()
        return {"letters": len(found), "content": b64encode(content).decode()}

    async def _worklist_filed(self, hand: Hand, said: Said) -> Said:
        practice, letter = said["practice"], said["letter"]
        state = await self.store.run(lambda tx: worklist.filed(tx, hand, practice, letter))
        self.wake()
        return {"id": letter, "state": state}

    async def _risk_acknowledge(self, hand: Hand, said: Said) -> Said:
        seen = await self.store.run(lambda tx: risks.acknowledge(tx, hand, said["risk"]))
        emit(Event.RISK_SEEN, risk=seen.id, scheme=seen.scheme)
        return {"risk": seen.id, "referral": seen.referral_id}

    async def _risk_show(self, hand: Hand, said: Said) -> Said:
        """A risk and whom it is about; who looked is audited in the same unit."""
        return await self.store.run(lambda tx: risks.shown(tx, hand, said["risk"]))

    async def _undelivered_print(self, hand: Hand, said: Said) -> Said:
        practice = said["practice"]
        people = await self.store.run(lambda tx: undelivered.of_practice(tx, hand, practice))
        content = printed(self.translator.context, practice, people)
        return {"people": len(people), "content": b64encode(content.encode()).decode()}

    async def _outcomes_import(self, hand: Hand, said: Said) -> Said:
        """A file of outcome events of one service, in base64, as if the service had sent it."""
        if not self.translator.context.rulebook.of_service(said["service"]):
            raise NotFound
        content = b64decode(said["content"])
        message = Message(
            id=str(uuid4()),
            source=said["service"],
            door=EVENTS,
            caller=f"import:{hand.actor}"[:64],
            media_type=said["media_type"],
            content=content,
            size=len(content),
        )
        await self.store.run(lambda tx: hand.sign(tx, IMPORTED, message.id))
        found = outcome_event.risks_of(content, is_csv=said["media_type"] == "text/csv")
        raised = await risks.raise_first(self.store, self.translator.context, message, found)
        verdict = await report(self.store, self.translator.context, message)
        self.wake()
        events = [{"position": e.position, "state": e.state.value, "code": e.code} for e in verdict.events]
        return {"message": message.id, "risks": raised, "events": events}

    async def _run_of(self, label: str) -> replays.Run:
        run = await self.store.read(lambda tx: replays.run_of(tx, label))
        if run is None:
            raise NotFound
        return run
