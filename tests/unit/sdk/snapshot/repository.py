"""A folder of files, under git or not."""

import subprocess


def put(folder, path, text=""):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return target


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def committed(folder, branch="trunk"):
    """The folder as a repository whose one commit holds what is there."""
    git(folder, "init", "--initial-branch", branch)
    git(folder, "add", "--all")
    git(folder, "commit", "--message", "first")
    return folder
