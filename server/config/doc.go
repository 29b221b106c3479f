// Package config answers: what did the administrator say?
//
// The comments of Config are the manual of its one YAML file. Decoding is
// strict: an unknown key, a value of another type, or a rule that can never
// match is an error with its line and column, and all of them are reported at
// once. Secrets stand in the file by reference only; an error shows no line
// behind a word that announces one.
//
// Load reads a file; Parse reads text; Defaults is what holds where nothing is
// said; Template is a file to begin with. Validate checks a Config that a
// program has made.
package config
