package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// runVersion prints what was built, from what, and which SQL parser is inside.
func runVersion(_ context.Context, _ []string, io stdio) error {
	version, revision := "(devel)", ""
	if i, ok := debug.ReadBuildInfo(); ok {
		version = i.Main.Version
		for _, s := range i.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	fmt.Fprintf(io.out, "sallyport %s%s %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
