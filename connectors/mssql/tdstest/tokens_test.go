package tdstest

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestProcedureEnd is how an answer to sp_executesql ends, as [MS-TDS] 4.9 shows it.
func TestProcedureEnd(t *testing.T) {
	var got bytes.Buffer
	a := &answer{w: newWriter(&got, replyMessage), proc: true}
	a.done(doneCount, 1)
	if err := a.end(); err != nil {
		t.Fatal(err)
	}
	const want = "0401002700000100ff1100c10001000000000000007900000000fe0000e0000000000000000000"
	if h := hex.EncodeToString(got.Bytes()); h != want {
		t.Errorf("got  %s\nwant %s", h, want)
	}
}
