package main

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/server/config"
)

// newRecorder starts the recorder of a bastion on its store, with the log over
// all transcripts beside it. It takes the store over.
func newRecorder(store *boltstore.Store, cfg *config.Config) (*recorder.Recorder, error) {
	log, err := ledger.Open(cfg.Data, ledger.Options{Name: cfg.Name})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	rec, err := recorder.New(store, recorder.Options{Log: log}) // closes both where it fails
	if err != nil {
		return nil, fmt.Errorf("start recorder: %w", err)
	}
	return rec, nil
}
