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
		{"explain", "explain --config FILE --as WHO --groups A,B --on RESOURCE ['OPERATION']", "what would be decided, by which rule, and what is missing", runPolicyExplain},
		{"test", "test [--config FILE] CASES...", "try cases that the policy must hold to; exit code 1 if one fails", runPolicyTest},
		{"replay", "replay --config FILE [--data DIR] [--since 30d] [--json]", "what it would have decided on what was done (a stopped bastion, or a backup)", runPolicyReplay},
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
