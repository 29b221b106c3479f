package main

import "context"

// policyCommands is the group `sallyport policy`, a file per subcommand.
func policyCommands() []command {
	return []command{
		{"explain", "policy explain --config FILE --as WHO --groups A,B --on RESOURCE ['OPERATION']", "what would be decided, by which rule, and what is missing", runPolicyExplain},
		{"test", "policy test [--config FILE] CASES...", "try cases that the policy must hold to; exit code 1 if one fails", runPolicyTest},
		{"replay", "policy replay --config FILE [--data DIR] [--since 30d] [--json]", "what it would have decided on what was done (a stopped bastion, or a backup)", runPolicyReplay},
		{"classify", "policy classify --corpus FILE | --dialect NAME [--json] TEXT", "what an operation is, judged without a target", runPolicyClassify},
	}
}

// runPolicy runs one subcommand of the group.
func runPolicy(ctx context.Context, args []string, io stdio) error {
	return group(ctx, "policy", policyCommands(), args, io)
}
