package main

import "context"

// maskCommands is the literal list of the commands under mask, in the order of
// the usage text.
func maskCommands() []command {
	return []command{
		{"detect", "mask detect [--detect NAME,...] FILE...", "try the content detectors on labelled lines: precision and recall of each", runMaskDetect},
		{"role", "mask role RESOURCE --config FILE [--role NAME] [--revoke-public] [--check [--as NAME]]",
			"the SQL that makes the restricted role of a PostgreSQL, from the masks; or whether it is closed", runMaskRole},
		{"scan", "mask scan RESOURCE --config FILE [--rows N] [--json]",
			"sample a database's columns and propose masks for those that look sensitive", runMaskScan},
		{"corpus", "mask corpus (--postgres-url URL [--alt-url URL] | --sqlite FILE [--alt-sqlite FILE]) --sensitive FILE LINES...", "run statements that leak through the gate and count what comes back", runMaskCorpus},
	}
}

// runMask runs one command of the group.
func runMask(ctx context.Context, args []string, io stdio) error {
	return group(ctx, "mask", maskCommands(), args, io)
}
