// Package shellfacts answers: what would this command line do, if a shell ran it?
//
// It is for every place where text reaches a shell: commands on hosts, in pods,
// and those that a configuration declares. The text is parsed by mvdan.cc/sh as
// bash reads it, and every simple command in it is judged, wherever it stands:
// in a pipeline, a subshell, a function, a substitution, a here-document, behind
// sudo, env, xargs or find -exec, in the string of sh -c, or in text that the
// line itself decodes and pipes to a shell.
//
// What programs do is data: programs.txt lists them with the options that make
// them worse; those whose arguments are a language of their own (find, rm,
// systemctl, git, ...) have a function each, in files by topic. A program that is
// not listed, or whose name is only known when it runs, is unknown.
//
// It runs nothing and asks nobody, so it cannot see aliases, PATH or the files
// of the target. Where two readings are possible it takes the worse. It judges
// command lines; it does not judge what is typed into an interactive shell.
package shellfacts
