import random

from pileus.data.clean.tables.minhash import Similar


class TestSimilar:
    def test_texts_are_one_from_the_similarity_asked_for(self):
        letters = random.Random(0)
        words = ["".join(letters.choices("abcdefghij", k=8)) for _ in range(60)]
        text = " ".join(words)
        near = " ".join([*words[:58], "other", "ending"])
        far = " ".join(words[:30] + words[:30][::-1])
        similar = Similar(0.85, seed=0)

        assert not similar.meets(text, b"")
        assert similar.meets(text, b"")
        assert similar.meets(near, b"")
        assert not similar.meets(far, b"")
        assert not similar.meets(text, b"another group")

    def test_short_and_empty_texts_are_texts(self):
        similar = Similar(0.9, seed=0)

        assert [similar.meets(text, b"") for text in ("", "a", "", "a")] == [
            False,
            False,
            True,
            True,
        ]
