package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

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
		{"transcript", "transcript list|search|export|verify|rewrap [--data DIR] ...", "read the evidence of a stopped bastion", runTranscript},
		{"backup", "backup FILE [--data DIR]", "copy the evidence, of a running bastion too", runBackup},
		{"mask", "mask COMMAND", "what is found and hidden, and how well; `sallyport mask` lists the commands", runMask},
		{"keys", "keys list|revoke [--data DIR] [FINGERPRINT|PERSON]", "remembered SSH keys of a stopped bastion", runKeys},
		{"policy", "policy explain|test|replay|classify", "ask a policy, without a bastion", runPolicy},
		{"version", "version", "what this is", runVersion},
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
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		usage(io.out)
		return exitOK
	}
	i := slices.IndexFunc(commands(), func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return report(io, &usageError{fmt.Sprintf("there is no subcommand %q", args[0]), "run sallyport without arguments for the list"})
	}
	return report(io, commands()[i].run(ctx, args[1:], io))
}

func usage(w io.Writer) {
	fmt.Fprint(w, "sallyport: a guarded door to production, over ssh\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  sallyport %s\n      %s\n", c.usage, c.help)
	}
	fmt.Fprint(w, "\nExit codes: 0 ok, 1 trouble or a fault found, 2 usage.\n")
}

// flags returns a flag set whose errors are usage errors.
func flags(name string, io stdio) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SetOutput(io.err)
	return f
}

// parse parses args; what is wrong with them is a usage error, --help none.
func parse(f *pflag.FlagSet, args []string) error {
	err := f.Parse(args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return &usageError{err.Error(), "sallyport " + f.Name() + " --help lists its flags"}
}
