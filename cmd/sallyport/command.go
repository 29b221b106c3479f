package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	declared "github.com/sallyport/sallyport/connectors/command"
	"github.com/sallyport/sallyport/connectors/postgres"
)

// stdio is what a subcommand talks to.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// command is one subcommand.
type command struct {
	name, usage, help string
	run               func(ctx context.Context, args []string, io stdio) error
}

// commands is the literal list, in the order of the usage text.
func commands() []command {
	return []command{
		{"demo", "demo [--listen ADDR] [--http ADDR] [--data DIR] [--postgres-url URL] [--reset]",
			"a complete bastion on loopback with demo people and resources", runDemo},
		{"init", "init [--force] FILE", "write a commented configuration", runInit},
		{"check", "check --config FILE", "try provider, targets and store without serving", runCheck},
		{"config", "config schema", "print the configuration's JSON Schema, for editors", runConfig},
		{"serve", "serve --config FILE", "run the bastion", runServe},
		{"transcript", "transcript COMMAND [--data DIR] ...", "read the evidence of a stopped bastion; `sallyport transcript` lists the commands", runTranscript},
		{"backup", "backup FILE [--data DIR]", "copy the evidence, of a running bastion too", runBackup},
		{"mask", "mask COMMAND", "what is found and hidden, and how well; `sallyport mask` lists the commands", runMask},
		{"keys", "keys list [--json] | keys revoke FINGERPRINT|PERSON [--data DIR]", "remembered SSH keys of a stopped bastion", runKeys},
		{"policy", "policy COMMAND", "ask a policy, without a bastion; `sallyport policy` lists the commands", runPolicy},
		{"version", "version [--json]", "what this is, and from which commit", runVersion},
	}
}

// parserWorker is the hidden argument with which the binary runs itself as a
// SQL parser: that code is not trusted to stay alive.
const parserWorker = postgres.WorkerArgument

// run runs one subcommand and returns the exit code.
func run(ctx context.Context, args []string, io stdio) int {
	if len(args) == 1 && args[0] == parserWorker {
		if err := postgres.ParserWorker(io.in, io.out); err != nil {
			return exitTrouble
		}
		return exitOK
	}
	if len(args) == 1 && args[0] == declared.ChildArgument {
		return declared.Child()
	}
	if len(args) > 1 && args[0] == "help" {
		args = append(args[1:], "--help")
	}
	if len(args) == 0 || asksHelp(args[0]) {
		usage(io.out)
		return exitOK
	}
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return report(io, &usageError{fmt.Sprintf("there is no subcommand %q%s", args[0], meant(args[0], commands())), "run sallyport without arguments for the list"})
	}
	return report(io, commands()[i].run(ctx, args[1:], io))
}
