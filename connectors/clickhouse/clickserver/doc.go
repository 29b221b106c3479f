// Package clickserver answers: how does one start a ClickHouse of one's own, for a test?
//
// Of the programs of the distribution, on loopback, with a configuration, users and
// a folder of its own. Debian 12 has version 18.16, of 2018: what is tried with it is
// tried with that version.
package clickserver
