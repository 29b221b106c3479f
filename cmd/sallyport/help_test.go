package main

import (
	"slices"
	"testing"

	"github.com/sallyport/sallyport/connectors/all"
	"github.com/sallyport/sallyport/server"
)

// `help KIND` has an answer for every kind that there is.
func TestHelpOfEveryKind(t *testing.T) {
	drivers := all.Drivers(all.Options{})
	defer func() {
		if err := all.Close(drivers); err != nil {
			t.Error(err)
		}
	}()
	for _, d := range drivers {
		if !slices.Contains(server.Topics(), d.Kind()) {
			t.Errorf("help has nothing on %s", d.Kind())
		}
	}
}
