// Package command answers: how do I run a declared program?
//
// A declaration (connectors.Command) is a program of the bastion's own machine with
// typed parameters: a runbook. An operation is a list of name=value words; each
// value is checked by its type and put where the declaration says. What runs is an
// argv: no shell reads it, a text cannot become an option (it may not begin with a
// dash), and no value can become two arguments. What people approve, and what is
// recorded, is that argv, quoted as a shell would need it.
//
// The program has a clean environment, its own directory, session, process group and umask
// (077), no core files, no input unless it is declared, and, where the resource says
// so, another user, which the bastion must be root for. The binary runs itself to
// set all that up (Child): limits hold before the program's first instruction. A
// secret is handed over on file descriptor 3, never by argument or environment.
//
// Output is masked and recorded as that of any command. When the requester goes, a
// limit ends it, or the program's first process has ended, the whole process group
// is ended: SIGTERM, and SIGKILL after a grace. A process that left the group on
// purpose (setsid) is not found by that.
package command
