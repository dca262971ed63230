"""What a data officer may have the bridge do: a person's rights, and a practice that leaves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.intake.control import Verb
from bridge.pipeline import leaving, subject
from bridge.pipeline.context import Context
from bridge.store import Store
from bridge.store.audit import Hand

Said = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectWorks:
    """What these verbs work with."""

    store: Store
    context: Context

    def verbs(self) -> Mapping[str, Verb]:
        """Every verb by name."""
        return {
            "subject-find": self._find,
            "subject-export": self._export,
            "subject-erase": self._erase,
            "subject-rectify": self._rectify,
            "subject-stand": self._stand,
            "practice-state": self._state,
            "practice-export": self._export_practice,
            "practice-delete": self._delete,
            "practice-certify": self._certify,
        }

    async def _find(self, hand: Hand, said: Said) -> Said:
        number = subject.number_of(said["number"])
        return await self.store.run(lambda tx: subject.find(tx, hand, number))

    async def _export(self, hand: Hand, said: Said) -> Said:
        number = subject.number_of(said["number"])
        return await self.store.run(lambda tx: subject.export(tx, hand, number))

    async def _erase(self, hand: Hand, said: Said) -> Said:
        number = subject.number_of(said["number"])
        return dict(await self.store.run(lambda tx: subject.erase(tx, hand, number)))

    async def _rectify(self, hand: Hand, said: Said) -> Said:
        number, wrong = subject.number_of(said["number"]), said["correction"]
        changed = await self.store.run(lambda tx: subject.rectify(tx, self.context, hand, number, wrong))
        return {"changed": changed}

    async def _stand(self, hand: Hand, said: Said) -> Said:
        number, kind = subject.number_of(said["number"]), said["said"]
        return {"code": await self.store.run(lambda tx: subject.stand(tx, self.context, hand, number, kind))}

    async def _state(self, _hand: Hand, said: Said) -> Said:
        return await self.store.read(lambda tx: leaving.state(tx, self.context, said["practice"]))

    async def _export_practice(self, _hand: Hand, said: Said) -> Said:
        return await self.store.read(lambda tx: leaving.export(tx, said["practice"], said["after"]))

    async def _delete(self, _hand: Hand, said: Said) -> Said:
        return await self.store.run(lambda tx: leaving.delete(tx, self.context, said["practice"]))

    async def _certify(self, hand: Hand, said: Said) -> Said:
        gone: Counter[str] = Counter(said["gone"])
        return await self.store.run(
            lambda tx: leaving.certify(tx, hand, said["practice"], gone, said["export_sha256"])
        )
