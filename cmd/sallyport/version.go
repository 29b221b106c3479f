package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/sallyport/sallyport/server"
)

// runVersion prints what was built and from what: the version is the commit's tag,
// or made of its time and hash, as the go command stamps it, with +dirty where files
// were changed.
func runVersion(_ context.Context, args []string, io stdio) error {
	f := flags("version", io)
	asJSON := f.Bool("json", false, "print JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	v := struct {
		Version  string `json:"version"`
		Revision string `json:"revision,omitempty"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
		Cgo      bool   `json:"cgo"`
	}{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if i, ok := debug.ReadBuildInfo(); ok {
		v.Version = i.Main.Version
		for _, s := range i.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Revision = s.Value
			case "CGO_ENABLED":
				v.Cgo = s.Value == "1"
			}
		}
	}
	if *asJSON {
		return server.WriteJSON(io.out, v)
	}
	revision, parser := "", "its SQL parser is WebAssembly"
	if v.Revision != "" {
		revision = " " + v.Revision
	}
	if v.Cgo {
		parser = "its SQL parser is native"
	}
	fmt.Fprintf(io.out, "sallyport %s%s %s %s, %s\n", v.Version, revision, v.Go, v.Platform, parser)
	return nil
}
