package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// policyCommands is the group `sallyport policy`, a file per subcommand.
func policyCommands() []command {
	return []command{
		{"classify", "classify --corpus FILE | --dialect NAME [--json] TEXT", "what an operation is, judged without a target", runPolicyClassify},
	}
}

// runPolicy runs one subcommand of the group.
func runPolicy(ctx context.Context, args []string, io stdio) error {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		for _, c := range policyCommands() {
			fmt.Fprintf(io.out, "  sallyport policy %s\n      %s\n", c.usage, c.help)
		}
		if len(args) == 0 {
			return &usageError{"policy needs a subcommand", ""}
		}
		return nil
	}
	i := slices.IndexFunc(policyCommands(), func(c command) bool { return c.name == args[0] })
	if i < 0 {
		var names []string
		for _, c := range policyCommands() {
			names = append(names, c.name)
		}
		return &usageError{fmt.Sprintf("policy has no %q", args[0]), "it has " + strings.Join(names, ", ")}
	}
	return policyCommands()[i].run(ctx, args[1:], io)
}
