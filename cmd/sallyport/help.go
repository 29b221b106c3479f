package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/policy"
)

// asksHelp reports whether a word in place of a command asks for the list of them.
func asksHelp(word string) bool { return slices.Contains([]string{"help", "-h", "--help"}, word) }

func usage(w io.Writer) {
	fmt.Fprint(w, "sallyport: a guarded door to production, over ssh\n\n")
	printCommands(w, commands())
	fmt.Fprint(w, "\n`sallyport help COMMAND` says more. Exit codes: 0 ok, 1 trouble or a fault found, 2 usage.\n")
}

func printCommands(w io.Writer, list []command) {
	for _, c := range list {
		fmt.Fprintf(w, "  sallyport %s\n      %s\n", c.usage, c.help)
	}
}

// group runs one command of a group, such as policy, or lists them. The usage of
// each begins with the group's name.
func group(ctx context.Context, name string, list []command, args []string, io stdio) error {
	if len(args) > 1 && args[0] == "help" {
		args = append(args[1:], "--help")
	}
	if len(args) == 0 || asksHelp(args[0]) {
		printCommands(io.out, list)
		return nil
	}
	i := slices.IndexFunc(list, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return &usageError{fmt.Sprintf("%s has no %q%s", name, args[0], meant(args[0], list)), "run sallyport " + name + " for the list"}
	}
	return list[i].run(ctx, args[1:], io)
}

// meant is the end of an error about a word that is no command: the one that was
// probably meant, if there is one.
func meant(word string, list []command) string {
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	if s := policy.Suggest(word, names); strings.HasPrefix(s, ": did you mean") {
		return s
	}
	return ""
}

// described is the command whose name, within its group, is that of a flag set.
func described(name string) (command, bool) {
	list := commands()
	if g, rest, ok := strings.Cut(name, " "); ok {
		list, name = map[string][]command{"transcript": transcriptCommands(), "mask": maskCommands(), "policy": policyCommands()}[g], rest
	}
	i := slices.IndexFunc(list, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return list[i], true
}

// trueOrFalse is what pflag says behind each switch.
const trueOrFalse = "[=true|false]"

// flags returns a flag set whose errors are usage errors, and whose --help tells
// what the command does.
func flags(name string, io stdio) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SetOutput(io.err)
	f.Usage = func() {
		if c, ok := described(name); ok {
			fmt.Fprintf(io.out, "usage: sallyport %s\n\n%s.\n", c.usage, c.help)
		}
		if list := strings.ReplaceAll(f.FlagUsages(), trueOrFalse, strings.Repeat(" ", len(trueOrFalse))); list != "" {
			fmt.Fprintf(io.out, "\n%s", list)
		}
	}
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
