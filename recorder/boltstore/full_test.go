//go:build linux

package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/recorder"
)

// fullDir makes this test binary a recorder whose files may not grow beyond
// fullSize: each write past it fails, as on a disk that is full.
const (
	fullDir  = "SALLYPORT_FULL_DIR"
	fullSize = 1 << 20
	// fullLate sets a limit, in bytes, inside of what the file has when it is set: then
	// it is no growing that fails but the writing of some page of a commit, after others.
	fullLate = "SALLYPORT_FULL_LATE"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(fullDir); dir != "" {
		if err := fill(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fill records until it fails and tells how much was acknowledged. Reading has to
// go on, and nothing more may be accepted.
func fill(dir string) error {
	ctx := context.Background()
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	r, err := recorder.New(s, recorder.Options{})
	if err != nil {
		return err
	}
	tr, err := r.Begin(ctx, recorder.Header{})
	if err != nil {
		return err
	}
	limit, late := uint64(fullSize), os.Getenv(fullLate)
	if late != "" {
		if limit, err = strconv.ParseUint(late, 10, 64); err != nil {
			return err
		}
	}
	n, set := 0, false
	for ; err == nil && n < 10_000; n++ {
		if info, err := os.Stat(s.path); err == nil && !set && (late == "" || info.Size() >= fullSize) {
			set = true
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
				return err
			}
		}
		err = tr.Record(ctx, recorder.KindNote, recorder.Note{Text: fmt.Sprint(n, strings.Repeat(" ", 4000))})
	}
	fmt.Println(n-1, tr.ID())
	if !errors.Is(err, recorder.ErrUnavailable) {
		return fmt.Errorf("the disk is full, and Record says %w", err)
	}
	if err := tr.Record(ctx, recorder.KindNote, recorder.Note{}); !errors.Is(err, recorder.ErrUnavailable) {
		return fmt.Errorf("after the failure: %w", err)
	}
	if _, err := r.Begin(ctx, recorder.Header{}); !errors.Is(err, recorder.ErrUnavailable) {
		return fmt.Errorf("another transcript: %w", err)
	}
	events, err := r.Read(ctx, tr.ID(), 0, 10)
	if err != nil || len(events) < 10 {
		return fmt.Errorf("reading after the failure: %d events, %w", len(events), err)
	}
	if err := r.Close("full"); !errors.Is(err, recorder.ErrUnavailable) {
		return fmt.Errorf("close tells nothing of it: %w", err)
	}
	return nil
}

// TestDiskFull: sessions end with a reason, readers go on, and once there is room
// again all that was acknowledged is there.
func TestDiskFull(t *testing.T) { testFull(t) }

// TestPageFails is TestDiskFull with a write error in the middle of a commit: some
// of its pages are on disk, others are not.
func TestPageFails(t *testing.T) {
	for limit := 600 << 10; limit < 1<<20; limit += 19 * os.Getpagesize() {
		t.Run(fmt.Sprint(limit), func(t *testing.T) { testFull(t, fmt.Sprintf("%s=%d", fullLate, limit)) })
		if testing.Short() {
			break
		}
	}
}

func testFull(t *testing.T, env ...string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), fullDir+"="+dir), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var acked int
	var id recorder.ID
	if _, err := fmt.Fscan(bytes.NewReader(out), &acked, &id); err != nil || acked < 20 {
		t.Fatalf("%v: %s", err, out)
	}
	s := openWith(t, dir, Options{})
	r, err := recorder.New(s, recorder.Options{})
	fatal(t, err)
	h, err := r.Head(t.Context(), id)
	if err != nil || h.Ended == nil || h.Ended.Reason != "interrupted" || int(h.Next) < acked+2 {
		t.Errorf("%d acknowledged, then %+v, %v", acked, h, err)
	}
	report, err := recorder.Verify(t.Context(), s)
	if err != nil || len(report.Faults) > 0 {
		t.Errorf("%v, %v", err, report.Faults)
	}
	fatal(t, r.Close("examined"))
}
