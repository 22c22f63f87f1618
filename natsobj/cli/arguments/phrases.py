"""What `natsobj help nats` shows: a line for another program, and the line that does it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["PHRASES"]

Phrases = Sequence[tuple[str, str]]
"""A line for the other program, and ours. A test runs ours from top to bottom."""

PHRASES: Mapping[str, Phrases] = {
    "nats object": (
        ("nats object add photos", "natsobj add photos"),
        ("nats object add photos --ttl 24h --replicas 1", "natsobj add photos --if-not-exists --ttl 24h"),
        ("nats object put photos cat.jpg", "natsobj put photos cat.jpg cat.jpg"),
        ("nats object put photos cat.jpg --name 2026/cat.jpg", "natsobj put photos 2026/cat.jpg cat.jpg"),
        ("nats object put photos cat.jpg -f", "natsobj put photos cat.jpg cat.jpg"),
        (
            "nats object put photos cat.jpg --no-progress",
            "natsobj put photos cat.jpg cat.jpg --progress none",
        ),
        ("nats object put photos --name cat.jpg < cat.jpg", "natsobj put photos cat.jpg < cat.jpg"),
        ("nats object ls", "natsobj ls"),
        ("nats object ls -n", "natsobj ls -1"),
        ("nats object ls photos", "natsobj ls photos"),
        ("nats object info photos", "natsobj info photos"),
        ("nats object show photos cat.jpg", "natsobj info photos cat.jpg"),
        ("nats object get photos 2026/dog.jpg", "natsobj get photos 2026/dog.jpg ."),
        ("nats object get photos cat.jpg -O /tmp/copy.jpg", "natsobj get photos cat.jpg /tmp/copy.jpg"),
        ("nats object get photos cat.jpg -f", "natsobj get photos cat.jpg . -f"),
        (
            "nats object edit photos --description 'Our cats'",
            "natsobj edit photos --description 'Our cats'",
        ),
        ("nats object rm photos cat.jpg -f", "natsobj rm photos cat.jpg"),
        ("nats object del photos 2026/cat.jpg -f", "natsobj rm photos 2026/cat.jpg"),
        ("nats object watch photos", "natsobj watch photos"),
        ("nats object seal photos -f", "natsobj seal photos -f"),
        ("nats object rm photos -f", "natsobj rm --bucket photos -f"),
    ),
    "mc": (
        ("mc mb nats/photos", "natsobj add photos"),
        ("mc cp cat.jpg nats/photos/2026/", "natsobj put photos 2026/ cat.jpg"),
        ("mc cp -r dist nats/photos/dist", "natsobj put -r photos dist dist"),
        ("mc mirror dist nats/photos/dist", "natsobj sync dist photos:dist"),
        ("mc mirror --overwrite --remove dist nats/photos/dist", "natsobj sync dist photos:dist --delete"),
        ("mc pipe nats/photos/cat.jpg < cat.jpg", "natsobj put photos cat.jpg < cat.jpg"),
        ("mc ls nats/photos/2026/", "natsobj ls photos 2026/ --folders"),
        ("mc ls -r nats/photos/2026/", "natsobj ls photos 2026/"),
        ("mc find nats/photos --name '*.jpg'", "natsobj ls photos --match '*.jpg'"),
        ("mc stat nats/photos/cat.jpg", "natsobj info photos cat.jpg"),
        ("mc cat nats/photos/cat.jpg", "natsobj cat photos cat.jpg"),
        ("mc mv nats/photos/cat.jpg nats/photos/tom.jpg", "natsobj mv photos cat.jpg tom.jpg"),
        ("mc rm nats/photos/tom.jpg", "natsobj rm photos tom.jpg"),
        ("mc du nats/photos", "natsobj info photos"),
        ("mc rm -r --force nats/photos/dist", "natsobj rm photos --match 'dist/*' -f"),
        ("mc rb --force nats/photos", "natsobj rm --bucket photos -f"),
    ),
    "aws s3": (
        ("aws s3 mb s3://photos", "natsobj add photos"),
        ("aws s3 cp cat.jpg s3://photos/cat.jpg", "natsobj put photos cat.jpg cat.jpg"),
        ("aws s3 cp dist s3://photos/dist --recursive", "natsobj put -r photos dist dist"),
        ("aws s3 sync dist s3://photos/dist", "natsobj sync dist photos:dist"),
        (
            "aws s3 sync s3://photos/dist copy --delete --dryrun",
            "natsobj sync photos:dist copy --delete --dry-run",
        ),
        ("aws s3 cp s3://photos/cat.jpg -", "natsobj get photos cat.jpg -"),
        ("aws s3 cp s3://photos/dist dist --recursive", "natsobj get -r photos dist dist -f"),
        ("aws s3 ls s3://photos/", "natsobj ls photos --folders"),
        ("aws s3 ls s3://photos/ --recursive", "natsobj ls photos"),
        ("aws s3 mv s3://photos/cat.jpg s3://photos/tom.jpg", "natsobj mv photos cat.jpg tom.jpg"),
        ("aws s3 rm s3://photos/tom.jpg", "natsobj rm photos tom.jpg"),
        ("aws s3 rm s3://photos/dist/ --recursive", "natsobj rm photos --match 'dist/*' -f"),
        ("aws s3 rb s3://photos --force", "natsobj rm --bucket photos -f"),
    ),
    "rclone": (
        ("rclone mkdir nats:photos", "natsobj add photos"),
        ("rclone copyto cat.jpg nats:photos/cat.jpg", "natsobj put photos cat.jpg cat.jpg"),
        ("rclone copy dist nats:photos/dist", "natsobj put -r photos dist dist --if-changed"),
        ("rclone copy nats:photos/dist dist", "natsobj get -r photos dist dist --if-changed"),
        ("rclone sync dist nats:photos/dist", "natsobj sync dist photos:dist --delete"),
        ("rclone sync nats:photos/dist dist --dry-run", "natsobj sync photos:dist dist --delete -n"),
        ("rclone lsd nats:photos", "natsobj ls photos --folders"),
        ("rclone lsf -R nats:photos", "natsobj ls photos -1"),
        ("rclone cat nats:photos/cat.jpg", "natsobj cat photos cat.jpg"),
        ("rclone check dist nats:photos/dist", "natsobj sync dist photos:dist --delete -n"),
        ("rclone moveto nats:photos/cat.jpg nats:photos/tom.jpg", "natsobj mv photos cat.jpg tom.jpg"),
        ("rclone deletefile nats:photos/tom.jpg", "natsobj rm photos tom.jpg"),
        ("rclone delete nats:photos --min-age 7d", "natsobj rm photos --older-than 7d -f"),
        ("rclone purge nats:photos", "natsobj rm --bucket photos -f"),
    ),
}
