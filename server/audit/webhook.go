package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// postTimeout bounds one request.
const postTimeout = 30 * time.Second

// Webhook posts batches of JSON Lines.
type Webhook struct {
	url     string
	headers func(ctx context.Context) (http.Header, error)
	client  *http.Client
}

// NewWebhook returns the Out of a URL. headers are asked for with each request, so
// that a secret that was replaced counts; nil is none.
func NewWebhook(url string, headers func(ctx context.Context) (http.Header, error)) *Webhook {
	return &Webhook{url, headers, &http.Client{
		Timeout:       postTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // it would take headers elsewhere
	}}
}

// Send implements Out: an answer of 2xx acknowledges. Errors do not name the URL,
// which may hold a token.
func (w *Webhook) Send(ctx context.Context, lines [][]byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(bytes.Join(lines, nil)))
	if err != nil {
		return errors.New("webhook: the URL is malformed")
	}
	if w.headers != nil {
		h, err := w.headers(ctx)
		if err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		req.Header = h
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: %w", errors.Unwrap(err)) // without the *url.Error around it
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // lets the connection be used again
	_ = resp.Body.Close()                                         // it was read
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("webhook answered %s", resp.Status)
	}
	return nil
}

// Close implements Out.
func (w *Webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}
