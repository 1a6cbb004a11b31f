"""`python -m benchmarks`: every benchmark, one after the other."""

from benchmarks import quickstart

if __name__ == "__main__":
    quickstart.main(["--seeds", "5"])
