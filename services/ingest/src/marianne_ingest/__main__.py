import sys

from marianne_ingest import cli


def main() -> None:
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
