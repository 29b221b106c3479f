// Package boltstore keeps transcripts in a bbolt file: transcripts.db in the
// data directory, mode 0600. bbolt admits one writing process at a time.
//
// # Layout, version 1
//
// Integers are big-endian. Three buckets:
//
//	meta    "format" → 2 bytes: the version of this layout
//	heads   transcript id → head
//	groups  transcript id | 0x00 | number of the first event (8) | part (2) → group
//
// A head is
//
//	1  form: 1
//	8  number of the next event
//	32 hash of the last event
//	8  count of operations
//	8  when it ended, nanoseconds since the Unix epoch; 0 while open
//	4  length of the header, header (JSON, the payload of event 0)
//	4  length of the end, end (JSON, the payload of the last event); 0 while open
//
// A group is a run of events that became durable together, at most 64 KiB unless
// it is one larger event, which is cut into parts 0, 1, ... of at most 64 KiB,
// because bbolt needs a value's pages to be contiguous. Part 0 starts with
//
//	1  form: 1 (plain). Packed and encrypted forms get other numbers.
//	32 hash before the first event
//
// followed, over all parts, by the events: canonical encoding (see package
// recorder), then the first 4 bytes of the event's chain hash. So each group can
// be checked by itself when it is read, and damage be traced to its event; what
// proves the whole is the chain up to the head.
//
// # Seal
//
// A clean Close writes transcripts.db.seal, and the next writing Open removes it
// before the first write, so that it exists exactly while it is true. It finds
// any byte of the file that changed in between, also where no event lies:
//
//	17 "sallyport seal 1\n"
//	8  size of the file
//	4  block size: 65536
//	32 × number of blocks: SHA-256 of each block, the last one may be short
//	32 SHA-256 of all the above
//
// The seal guards against failing disks and hasty hands. It holds no secret: who
// can write the file can write a new seal.
package boltstore
