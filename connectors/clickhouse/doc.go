// Package clickhouse answers: how do I speak to ClickHouse, and what would a statement
// do there?
package clickhouse
