"""Write what ``numcnn verify`` expects: ``python -m docs.generate_fingerprints``, from a clone."""

from numcnn.experiments.verification import EXPECTED, record

if __name__ == "__main__":
    fingerprints = record()
    fingerprints.save(EXPECTED)
    print(f"{EXPECTED.name}: {fingerprints.sha256}")
