"""What the man pages say about each command beyond its help; `scripts/generate` makes pages of it.

Prose is written as in `topics`, from which the pages have what is true of all commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from natsobj.adr20.names import MAX_KEY_SIZE
from natsobj.cli.topics import FILES

__all__ = ["DESCRIPTIONS", "FILES_OF", "JSON_OF"]

DESCRIPTIONS: Mapping[str, str] = {
    "natsobj": """
        natsobj stores and reads objects like `nats object` and every other client of NATS Object Store
        (ADR-20): what one of them has written, the others can use. It needs nats-server 2.11 or newer with
        JetStream.

        Only results go to standard output. Reports, progress, warnings, questions and errors go to standard
        error. Lists are tables on a terminal; otherwise they are tab-separated lines without a header,
        nothing shortened: sizes in bytes, times in RFC 3339 and UTC, the name in the last column. A tab, a
        newline and a backslash in a value are then written `\\t`, `\\n` and `\\\\`.

        A SIZE is a number of bytes, optionally with K, M, G or T, which are powers of 1024. A DURATION is
        written like 1h30m and also takes d and w; a bare number is seconds.
    """,
    "add": """
        An existing bucket is an error, unless `--if-not-exists` is given: then it stays as it is, and a note
        says where its settings differ from those that were asked for.
    """,
    "ls": """
        On a terminal, up to 20,000 objects are sorted by name, and a line below the table gives their
        number and bytes. Otherwise, without `--sort` or `--reverse`, they come in the order of the bucket,
        oldest change first. In a pipe the columns are size, created, last_update, description and name for
        buckets, and size, chunks, sha256, modified and name for objects.

        With `--folders`, one level is listed: each folder below PREFIX once, with the number and bytes of
        the objects in it, then the objects that are in no folder. In a pipe the columns are size, objects,
        modified and name; the name of a folder ends in `/`.

        An object whose record cannot be read is reported on standard error and the others are listed (exit
        status 1). An empty list is not an error.

        `--sha256sum --relative` prints names as `get --recursive` creates the files, so that `sha256sum -c`
        can check them in that folder.
    """,
    "put": f"""
        An existing object is replaced in one step: readers see the old one or the new one, and nothing of
        the old description, headers and metadata remains. If anything fails before that step, or the
        command is interrupted, the old object stays as it was. A file that changes while it is read is an
        error (exit status 5), even if only its modification time changes, as on some network shares: `cat
        FILE | natsobj put BUCKET KEY` stores what is read.

        A key may have up to {MAX_KEY_SIZE:,} bytes. Standard input is read if FILE is `-` or not given.
        Without a FILE, it is wrong usage (exit status 2) if standard input is closed, a terminal or another
        device, as in cron and CI, or if it is empty: neither a typing error nor a producer that died may
        empty an object. Only `-` stores an empty object.

        A KEY that ends in `/` is a folder: every FILE is stored below it under its own name. If one fails,
        it is reported and the others are stored (exit status 1).

        A name for an open descriptor, such as `/dev/fd/3`, is that descriptor, read from its current
        position. FIFOs and devices that are named are read to their end.

        With `--ttl` the object expires after that time, in a bucket that allows it (`add --object-ttl`).
        `edit`, `mv` and `cp` keep the time that is left. The chunks live twice as long as the object, and at
        least an hour longer: until then an expired object still takes up room, unless `natsobj-gc`(1)
        removes its chunks. If the settings of the bucket would extend the time, the put is refused.

        With `--if-changed` nothing is done if the stored digest is that of FILE, and the exit status is 0:
        a new description or other metadata is not stored either.

        With `--recursive`, KEY is a prefix and FILE a folder. Every file below it is stored under the
        prefix, a `/` unless the prefix is empty or ends in one, and the path of the file below the folder.
        The other options apply to each file. A file that fails is reported and the others are stored (exit
        status 1): for example if its name is not UTF-8, its key would be too long, or it changes while it
        is read.

        Symbolic links to files and folders are followed, wherever they lead; a dangling one is a failure.
        FIFOs, sockets, devices, links to a folder that contains them, and files that this command writes
        its own output to are skipped and named. Each folder is read once: files that appear in it later are
        not stored. Empty folders, permissions and times are not stored.
    """,
    "get": """
        The content is written to a temporary file next to FILE, checked (chunks, size and SHA-256) and only
        then renamed: if anything fails, an old FILE stays as it was. An existing FILE is kept, which is an
        error unless `--force`, `--skip-existing` or `--if-changed` is given. `--if-changed` fetches nothing
        if FILE already has the stored digest, and otherwise replaces it. If FILE is a folder or ends in
        `/`, the object goes there under the last part of its key. Links are followed. Missing folders are
        made, and removed again if nothing was written to them.

        A replaced file keeps its permissions if its file system allows that; a new one has those that the
        umask allows. The folder must be writable, because of the temporary file: it is hidden, named
        `.NAME.XXXX.natsobj`, and only a kill -9 or a crash leaves it behind. Only regular files count as
        existing: a FIFO or a device is written directly, and a name for an open descriptor, such as
        `/dev/stdout` or `/dev/fd/3`, is that descriptor, written at its current position.

        The content goes to standard output if FILE is `-`, or not given while standard output is not a
        terminal. Then the exit status is the verdict, because bytes cannot be taken back.

        `--offset` and `--length` fetch a byte range, without what comes before it. Its digest cannot be
        checked. A range that begins after the end is empty.

        With `--recursive`, KEY is a prefix and FILE a folder, which is made if it is missing. Every object
        whose key begins with the prefix and a `/` is fetched to a file below the folder, under the rest of
        its key; an object whose key is the prefix itself is not. An empty prefix means all objects.
        `--match` is matched against whole keys, as in `natsobj-ls`(1). All of the above applies to each
        file. One that fails is reported and the others are fetched (exit status 1). If there is nothing
        below the prefix, or nothing that matches, the exit status is 4.

        No object is written outside of the folder. These fail and are named: a key whose rest has an empty
        part, `.` or `..`, a NUL, or a device name of Windows (such as nul or aux.c); one behind a symbolic
        link that leads out of the folder; one whose folder is moved while it is fetched; one whose place is
        taken by a folder, FIFO, socket or device; and one that collides with another, such as a and a/b.
        Fetch them one by one, each to a FILE of your choice.
    """,
    "cat": """
        Every object goes to standard output, even on a terminal, and is checked on the way: chunks, size
        and SHA-256. The exit status is the verdict, because bytes cannot be taken back. A link is followed.
        A key that fails is named and the others are written: the exit status is then 1, or that of the
        error, such as 4 or 8, for a single key.
    """,
    "info": """
        If standard output is not a terminal, each JSON field is a line of its name, a tab and its value;
        nested values are compact JSON, and absent values are empty.
    """,
    "rm": """
        If one of several keys fails, the others are deleted (exit status 1). `--match` and `--older-than`
        delete all objects that both apply to, each only in the revision that was found: what is stored in
        the meantime stays. They need `--force`; `--dry-run` shows what would be deleted. Deleting a bucket
        asks for its name on a terminal, and otherwise needs `--force`.
    """,
    "mv": """
        Within a bucket only the record of the object moves: its bytes stay where they are, however many. To
        another bucket they are copied, verified and then deleted here. At every moment at least one of the
        names leads to the bytes.

        Description, headers, metadata and unknown fields of other clients are kept. A link is moved as a
        link. An existing object of the new name is kept, which is an error (exit status 6), unless
        `--force` is given; the server decides. Moving an object onto itself does nothing.
        A new name that looks like a local path (`.`, `..`, `./x` or `../x`) is refused: `get` fetches an
        object. To give it such a name nevertheless, name the bucket before it.

        With `--recursive`, every object whose key begins with the prefix and a `/` gets a key that begins
        with the other prefix instead. One that fails is reported and the others are moved (exit status 1).
        `--dry-run` shows old and new names, separated by a tab in a pipe, and what would be refused.
    """,
    "cp": """
        A copy has its own bytes, which pass through this machine in constant memory and are verified.

        Description, headers, metadata and unknown fields of other clients are kept. A link is copied as a
        link. An existing object of the new name is kept, which is an error (exit status 6), unless
        `--force` is given; the server decides. Copying an object onto itself does nothing.
        A new name that looks like a local path (`.`, `..`, `./x` or `../x`) is refused: `get` fetches an
        object. To give it such a name nevertheless, name the bucket before it.

        With `--recursive`, every object whose key begins with the prefix and a `/` gets a key that begins
        with the other prefix instead. One that fails is reported and the others are copied (exit status 1).
        `--dry-run` shows old and new names, separated by a tab in a pipe, and what would be refused.
    """,
    "ln": """
        A link is an object without content that leads to another object, or with `--bucket` to a whole
        bucket. `get` and `cat` follow it, one step. The target must exist: a missing or deleted object and
        another link are refused. A link never replaces an object, and another link only with `--force`.
    """,
    "edit": """
        With a KEY, the record of that object is changed; its bytes stay where they are. Headers and
        metadata that are named are set, all others stay, and so do unknown fields of other clients. An
        empty description removes it. If another client changes the object at the same time, both changes
        are made.

        Without a KEY, the settings of the bucket are changed: those that are named and no others. The
        server decides what may be changed; what it refuses is exit status 6. No server so far changes the
        storage of a bucket: create another one and copy everything with `cp -r`. A shorter `--ttl` also
        applies to what is already stored.
    """,
    "seal": """
        Nobody can store, change or delete anything in a sealed bucket. This cannot be undone, except by
        deleting the whole bucket, and it ends the bucket's `--ttl`. On a terminal you are asked to type the
        bucket's name; otherwise `--force` is needed.
    """,
    "watch": """
        Each change is printed as a line as soon as it happens; in a pipe its columns are time, put or
        delete, size, sha256 and name. Everything but a deletion is a put: also a new link, or a change of
        description, headers or metadata. A rename is a put under the new name. `--history` first prints
        what is already there, oldest change first; with `--until-current` that is all.

        It continues after restarts of the server, cut connections and new leaders, through outages of up to
        six times `--timeout`, and prints each change once. If an object changes several times while the
        server cannot be reached, only the last change is printed. A record that cannot be read is reported
        on standard error.
    """,
    "sync": """
        One side is a local folder, the other is `BUCKET:PREFIX`, or `BUCKET:` for the whole bucket. A name
        with a slash before the colon is a folder, such as `./a:b`. A key is the prefix, a `/` if the prefix
        does not end in one, and the path below the folder. What has the same size and digest on both sides
        is skipped; only files of the same size are read for that. The rest is transferred as by `put -r`
        and `get -r`.

        With `--delete`, what SRC lacks is deleted from DST after all transfers, and only if all of them
        succeeded. If SRC is missing, empty or cannot be read completely, nothing is done (exit status 2).
        An object is deleted only in the revision that was listed, a file only as it was found, and nothing
        that has changed since the sync began. In a local DST, folders that become empty are removed; links
        stay, and so does what they lead to.

        `--match` and `--exclude` are matched against the path below the folder and the prefix. What they
        leave out is neither transferred nor deleted.

        In a pipe each object is a line of action (put, get, delete or skip), size and name, separated by
        tabs. On a terminal `--dry-run` shows only what would change. A file that fails is reported and the
        others are transferred (exit status 1).
    """,
    "serve": """
        The address is printed on standard error as soon as requests are answered, and the command runs until
        a signal ends it. It listens on this machine only, and answers only requests for one of this machine's
        own names, unless `--host` names another address. Everybody who can reach it can read the whole
        bucket, unless `--token` is given. With `-v` each request is a line on standard error.

        A path is a key, percent-encoded; a path that ends in a slash is a folder. The page of a folder lists
        its folders with the number of their objects, then its objects with size, chunks, digest and time; it
        has at most 1,000 entries, and a link to the next page. `?sort=` sorts by `name`, `size` or `time`,
        and `&reverse` reverses the order. If a folder has an `index.html`, that is shown instead, unless
        `--no-index` is given; `?list` shows the list anyway. `?json` returns the lines of `ls --folders
        --json`. A key that a path cannot carry, such as one with `..` in it, has an address with `?key=`, and
        such a folder one with `?folder=`. Links are followed once, also into other buckets.

        An object has its digest as `ETag`, its time as `Last-Modified`, and a type: the header Content-Type
        of its record, or else the type that its name suggests. A single range is supported, and so are
        conditions (`If-None-Match`, `If-Modified-Since`, `If-Match`, `If-Unmodified-Since`, `If-Range`). An
        object is verified as by `natsobj-get`(1): the last piece of a broken one is never sent, so the client
        sees that it is too short.

        Objects may come from anybody. What could run in a browser, such as HTML and SVG, is shown in a
        sandbox (Content-Security-Policy): its scripts run, but in an origin of their own, without cookies and
        storage, and cannot read the bucket. A page whose script fetches its own data does not work there.
    """,
    "verify": """
        Objects are read back from the server, several in parallel: the number of chunks, the size and the
        SHA-256 must be those of the record. With `--quick` nothing is read: only the number of chunks is
        compared, and whether it fits the size. Whatever looks broken is checked again with the leader
        before it is reported. Links are not followed.

        On a terminal only broken objects are shown. Otherwise each object is a line of ok (true or false),
        problem and name, with `--quiet` only each broken one. The problem is empty or one of these.
        `missing_chunks`: fewer chunks than the record says, or more.
        `wrong_size` and `wrong_digest`: the bytes are not those that were stored.
        `unreadable`: the record is damaged, or names no chunks.
        `shared_nuid`: another object has the same chunks, and deleting one breaks the other.
        `changed`: the object was replaced or deleted while it was read, so nothing is known about it.

        The exit status is 8 if anything is broken, otherwise 5 if something has changed.
    """,
    "gc": """
        Chunks without an object are left behind by a killed upload or an interrupted delete. They are
        removed if the newest of them is older than `--older-than`, so an upload under way is safe as long
        as it never pauses for longer than that. `--older-than 0s` protects nothing: make sure that nobody
        stores anything.

        Every record is first read from the leader, and each removal is made on condition that nothing was
        written since: an object that is stored at that very moment keeps its chunks. A record that cannot
        be read keeps the chunks that may belong to it. Broken objects are reported on standard error. A
        bucket that is sealed or a mirror is refused.

        In a pipe each line is chunks, age, removed and nuid, or the word tombstone, age, removed and name;
        ages are in seconds. Orphans that are too young are only counted. The exit status is 5 if the bucket
        was written to so quickly that some orphans were left for another run.
    """,
    "server": """
        This is the nats-server that `--local` uses. It is started on first use and keeps running, is
        reachable only from this machine, and needs a token that only its owner can read. Starting it while
        it runs, or stopping it while it does not, is not an error. The binary comes from the extra
        natsobj[server], or else is the nats-server on PATH.
    """,
    "help": """
        A topic is `exit-codes`, `environment`, `json`, `connection` (the options of all commands), or
        `nats`: what to type here instead of lines for nats, mc, aws or rclone. For the name of a command
        its help is shown, as with `--help`; without a TOPIC, the list of topics.
    """,
    "completion": """
        Completes commands, options and their values, contexts, and the names of buckets and objects. Names
        come from the server that the line, the environment or the context gives, within a second or not at
        all.

        For zsh, put the script into a folder of $fpath as _natsobj, or have .zshrc evaluate it after
        compinit.
    """,
}

JSON_OF: Mapping[str, Sequence[str]] = {
    "natsobj": (
        "object",
        "bucket",
        "account",
        "server",
        "verdict",
        "change",
        "action",
        "orphan",
        "tombstone",
        "folder",
        "site",
    ),
    "add": ("bucket",),
    "ls": ("bucket", "object", "folder"),
    "put": ("object",),
    "get": ("object",),
    "info": ("account", "bucket", "object"),
    "rm": ("object", "bucket"),
    "mv": ("object",),
    "cp": ("object",),
    "ln": ("object",),
    "edit": ("object", "bucket"),
    "seal": ("bucket",),
    "watch": ("change",),
    "sync": ("action",),
    "verify": ("verdict",),
    "gc": ("orphan", "tombstone"),
    "server": ("server",),
    "serve": ("site",),
}
FILES_OF: Mapping[str, Sequence[str]] = {
    "natsobj": tuple(FILES),
    "put": ("$XDG_STATE_HOME/natsobj/uploads/",),
    "get": (".NAME.XXXX.natsobj", ".NAME.NUID.part.natsobj"),
    "server": tuple(name for name in FILES if name.startswith("$XDG_DATA_HOME/")),
}
