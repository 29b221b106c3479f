// Package export answers: what does a transcript look like elsewhere?
//
// Cast writes asciicast for players, Text what a person can read anywhere,
// Operations a line of JSON for each, and Bundle one file that proves itself.
//
// # Hostile bytes
//
// A transcript holds what targets sent, escape sequences included. Text and
// bundles have none of them. A cast has all: play it where its bytes may reach a
// terminal, never with cat.
//
// # Bundle, version 1
//
//	sallyport bundle 1\n
//
// and five sections, each "-- name length\n", as many bytes, "\n":
//
//	text        what Text writes
//	key         public key of the log
//	checkpoint  signed note of the log
//	proof       JSON: the leaf, its index, its path to the checkpoint's root
//	events      canonical encodings (package recorder), one after the other
//
// There is one bundle of the same parts, so a changed byte anywhere shows.
package export
