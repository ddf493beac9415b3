"""`python -m hastexo_lab.providers.local --root DIR --destroy-all`: leave no process and no stack."""

import argparse
import asyncio

from hastexo_lab.providers.local import LocalProvider


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m hastexo_lab.providers.local", description=__doc__)
    parser.add_argument("--root", required=True, help="the provider's folder")
    parser.add_argument("--destroy-all", action="store_true", required=True, help="end every stack in it")
    given = parser.parse_args()
    count = asyncio.run(LocalProvider("local", {"type": "local", "root": given.root}, site="").destroy_all())
    print(f"{count} stacks destroyed.")


if __name__ == "__main__":
    main()
