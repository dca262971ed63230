"""The page of people, /ops: rendered here, whole without JavaScript. docs/decisions/0011-page.md."""
