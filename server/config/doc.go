// Package config answers: what did the administrator say?
//
// The comments of Config, and of policy.Role and its neighbours, are the manual of
// its YAML file and of those that it includes. Decoding is strict: an unknown key,
// a value of another type, or a rule that can never match is an error with its
// file, line and column, in a condition with those of the word that is wrong, and
// all of them are reported at once. What is odd and no fault is in
// Config.Warnings. Secrets stand in the file by reference only; an error shows no
// line behind a word that announces one.
//
// Load reads a file and its includes; Parse reads text; Defaults is what holds
// where nothing is said; Template is a file to begin with; Schema is a JSON Schema
// for editors. Validate checks a Config that a program has made.
package config
