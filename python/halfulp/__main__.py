"""``python -m halfulp`` is the ``halfulp`` command."""

from halfulp.cli import main

raise SystemExit(main())
