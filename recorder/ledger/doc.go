// Package ledger answers: were whole transcripts removed, exchanged or reordered?
//
// It is a recorder.Log in files of the data directory: a Merkle tree (RFC 6962)
// whose leaves say where the chains of transcripts stood, with checkpoints signed
// by an Ed25519 key. Who holds an older checkpoint can show that nothing which it
// covers was changed since.
//
// # Files
//
//	transcripts.log         17 bytes "sallyport log 1\n\x00", then leaves: the
//	                        canonical encoding (package recorder), then the first
//	                        4 bytes of the leaf's RFC 6962 hash
//	transcripts.checkpoint  the newest checkpoint
//	transcripts.key         the signing key, mode 0600 (note format of
//	                        golang.org/x/mod/sumdb/note); absent where a command signs
//	transcripts.pub         its public key
//
// A checkpoint is a C2SP signed note of three lines: origin, number of leaves,
// root in base64.
//
// # Order
//
// Leaves are written and synced, then the checkpoint over them is signed and
// synced, then it is handed to witnesses. So a checkpoint never covers what is
// not on disk, and after a crash the log may have leaves past the checkpoint.
// A log that does not agree with its own last checkpoint is not opened for
// writing: nothing is ever signed that contradicts what was signed before.
//
// # Memory
//
// An open ledger holds 64 bytes a leaf: the hashes of its tree. A transcript has at
// least three (begin, end, stored form), so a million of them take some 200 MB.
package ledger
