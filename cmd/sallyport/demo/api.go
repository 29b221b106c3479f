package demo

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// API is a small billing service in this process, reached through its listener
// only: it has no port. It forgets all changes when it is closed. Its methods are
// safe for concurrent use.
type API struct {
	listener  *Listener
	server    *http.Server
	token     string
	tokenFile string
	done      chan error

	mu       sync.Mutex
	invoices []invoice
}

// apiCustomer and invoice are what the service tells.
type apiCustomer struct {
	ID      int     `json:"id"`
	Name    string  `json:"name"`
	Email   string  `json:"email"`
	Phone   string  `json:"phone"`
	Country string  `json:"country"`
	Card    apiCard `json:"card"`
}

type apiCard struct {
	Brand   string `json:"brand"`
	Number  string `json:"number"`
	Expires string `json:"expires"`
}

type invoice struct {
	ID       int     `json:"id"`
	Customer int     `json:"customer"`
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency"`
	Status   string  `json:"status"`
	Due      string  `json:"due"`
}

var apiCustomers = []apiCustomer{
	{1, "Mara Lindqvist", "mara.lindqvist@example.com", "+46 70 174 06 05", "SE", apiCard{"visa", "4111 1111 1111 1111", "11/28"}},
	{2, "Jonas Weber", "jonas.weber@example.net", "+49 30 901820", "DE", apiCard{"mastercard", "5555 5555 5555 4444", "02/27"}},
	{3, "Aiko Tanaka", "aiko@example.jp", "+81 3-3224-5000", "JP", apiCard{"visa", "4012 8888 8888 1881", "07/29"}},
	{4, "Luis Romero", "luis.romero@example.es", "+34 912 34 56 78", "ES", apiCard{"amex", "3782 822463 10005", "09/27"}},
}

// StartAPI starts the service. Its token, new at each start, is in a file of dir,
// mode 0600. The caller closes the API.
func StartAPI(dir string) (*API, error) {
	a := &API{listener: NewListener(), token: "demo-" + rand.Text(), tokenFile: filepath.Join(dir, "token"), done: make(chan error, 1)}
	for i := range 24 {
		state := []string{"paid", "paid", "open", "overdue"}[i%4]
		a.invoices = append(a.invoices, invoice{ID: 1001 + i, Customer: i%4 + 1, Amount: float64(1990+i*731) / 100, Currency: "EUR", Status: state,
			Due: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i*4).Format(time.DateOnly)})
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start demo API: %w", err)
	}
	if err := os.WriteFile(a.tokenFile, []byte(a.token), 0o600); err != nil {
		return nil, fmt.Errorf("start demo API: %w", err)
	}
	a.server = &http.Server{Handler: a.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() { a.done <- a.server.Serve(a.listener) }()
	return a, nil
}

// TokenFile is where the configuration finds the credential.
func (a *API) TokenFile() string { return a.tokenFile }

// Dial connects to the service, whatever the network and address.
func (a *API) Dial(ctx context.Context, _, _ string) (net.Conn, error) { return a.listener.Dial(ctx) }

// Close ends all requests, and the service.
func (a *API) Close() error {
	err := a.server.Close()
	if served := <-a.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (a *API) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /v1/customers", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, 200, map[string]any{"customers": apiCustomers, "total": len(apiCustomers)})
	})
	m.HandleFunc("GET /v1/customers/{id}", a.customer)
	m.HandleFunc("GET /v1/invoices", a.list)
	m.HandleFunc("GET /v1/invoices/{id}", a.one)
	m.HandleFunc("POST /v1/invoices/{id}/void", a.void)
	m.HandleFunc("DELETE /v1/invoices/{id}", a.remove)
	m.HandleFunc("GET /v1/events", a.events)
	m.HandleFunc("GET /v1/whoami", func(w http.ResponseWriter, r *http.Request) {
		tell(w, 200, map[string]any{"service": "billing", "you_sent": r.Header})
	})
	m.HandleFunc("GET /customers", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/v1/customers", http.StatusMovedPermanently)
	})
	m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { problem(w, 404, "there is no such thing here") })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+a.token)) != 1 {
			problem(w, 401, "a token is needed")
			return
		}
		m.ServeHTTP(w, r)
	})
}

func tell(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the requester may be gone
}

func problem(w http.ResponseWriter, status int, what string) {
	tell(w, status, map[string]any{"status": status, "error": what})
}

func (a *API) customer(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	for _, c := range apiCustomers {
		if c.ID == id {
			tell(w, 200, c)
			return
		}
	}
	problem(w, 404, "there is no such customer")
}

func (a *API) list(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []invoice{}
	customer, _ := strconv.Atoi(r.URL.Query().Get("customer"))
	status := r.URL.Query().Get("status")
	for _, v := range a.invoices {
		if (customer == 0 || v.Customer == customer) && (status == "" || v.Status == status) {
			list = append(list, v)
		}
	}
	tell(w, 200, map[string]any{"invoices": list, "total": len(list)})
}

// find returns the place of the invoice that the path names; a.mu is held.
func (a *API) find(r *http.Request) int {
	id, _ := strconv.Atoi(r.PathValue("id"))
	return slices.IndexFunc(a.invoices, func(v invoice) bool { return v.ID == id })
}

func (a *API) one(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := a.find(r); i >= 0 {
		tell(w, 200, a.invoices[i])
		return
	}
	problem(w, 404, "there is no such invoice")
}

func (a *API) void(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := a.find(r); i >= 0 {
		a.invoices[i].Status = "void"
		tell(w, 200, a.invoices[i])
		return
	}
	problem(w, 404, "there is no such invoice")
}

func (a *API) remove(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.find(r)
	if i < 0 {
		problem(w, 404, "there is no such invoice")
		return
	}
	a.invoices = slices.Delete(a.invoices, i, i+1)
	w.WriteHeader(http.StatusNoContent)
}

// events are told one a second, for a while.
func (a *API) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range 60 {
		c := apiCustomers[i%len(apiCustomers)]
		b, _ := json.Marshal(map[string]any{"event": i + 1, "what": "invoice opened", "email": c.Email})
		if _, err := fmt.Fprintf(w, "data: %s\n\n", b); err != nil {
			return
		}
		_ = flush.Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}
