#!/usr/bin/env python3
from marianne_ingest.__main__ import main

if __name__ == "__main__":
    main()
