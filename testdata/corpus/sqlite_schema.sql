-- The schema of the SQLite lines. @SEED@ and @WORD@ are what databases A and B
-- differ in: the masked values, their order and their sizes. Everything else is
-- the same.
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  full_name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  phone TEXT,
  ssn TEXT,
  notes TEXT,
  profile TEXT,
  credit INTEGER,
  tier TEXT NOT NULL DEFAULT 'free',
  country TEXT,
  discount INTEGER DEFAULT 0,
  domain TEXT GENERATED ALWAYS AS (substr(email, instr(email, '@') + 1)) VIRTUAL,
  badge TEXT GENERATED ALWAYS AS (tier || ':' || substr(ssn, 1, 3)) STORED,
  CHECK (credit IS NULL OR credit + discount < 1000000)
);
CREATE INDEX customers_phone ON customers(phone);
CREATE INDEX customers_tier ON customers(tier, ssn);
CREATE INDEX customers_vip ON customers(country) WHERE credit > 500;
CREATE INDEX customers_lower ON customers(lower(full_name));
CREATE UNIQUE INDEX customers_pair ON customers(country, ssn);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER NOT NULL REFERENCES customers(id),
  status TEXT, total NUMERIC, note TEXT
);
CREATE INDEX orders_customer ON orders(customer_id);
CREATE TABLE newsletter (nid INTEGER PRIMARY KEY, email TEXT, topic TEXT);
CREATE TABLE logins (lid INTEGER PRIMARY KEY, email TEXT REFERENCES customers(email), at TEXT);
CREATE TABLE payments (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders(id), card TEXT, amount NUMERIC);
CREATE TABLE employees (badge_no INTEGER PRIMARY KEY, name TEXT, salary INTEGER, boss INTEGER, team TEXT);
CREATE TABLE tokens (tid TEXT PRIMARY KEY, token TEXT NOT NULL, owner INTEGER) WITHOUT ROWID;
CREATE TABLE vault (secret INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT);
CREATE TABLE scratch (a, b);
CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT, who TEXT);
CREATE TABLE archive (id INTEGER PRIMARY KEY, email TEXT, ssn TEXT, day TEXT);
CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT, n INTEGER);
CREATE TABLE caps (id INTEGER PRIMARY KEY, cap INTEGER, pay INTEGER, CHECK (pay < cap));
CREATE VIEW v_contact AS SELECT id, email AS contact, upper(full_name) AS label, tier FROM customers;
CREATE VIEW v_rich AS SELECT id, tier FROM customers WHERE credit > 500;
CREATE VIEW v_public(cid, level, land) AS SELECT id, tier, country FROM customers;
CREATE VIEW v_deep AS SELECT c.contact, o.total FROM v_contact c JOIN orders o ON o.customer_id = c.id;
CREATE VIEW v_joined AS SELECT newsletter.topic FROM newsletter JOIN customers USING (email);
CREATE TRIGGER leak_update AFTER UPDATE OF country ON customers BEGIN INSERT INTO audit(what, who) VALUES ('country', new.email); END;
CREATE TRIGGER safe_update AFTER UPDATE OF tier ON customers BEGIN INSERT INTO audit(what, who) VALUES ('tier', new.id); END;
CREATE TRIGGER guess BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM customers WHERE ssn = new.kind) BEGIN SELECT RAISE(ABORT, 'found'); END;
CREATE TRIGGER keep AFTER DELETE ON customers BEGIN INSERT INTO archive(id, email, ssn) VALUES (old.id, old.email, old.ssn); END;
CREATE TRIGGER through INSTEAD OF INSERT ON v_public BEGIN INSERT INTO scratch SELECT new.level, email FROM customers WHERE id = new.cid; END;
WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 40),
  s(n, k) AS (SELECT n, (n * @SEED@) % 101 FROM i)
INSERT INTO customers(id, full_name, email, phone, ssn, notes, profile, credit, tier, country, discount)
SELECT n, '@WORD@ Name' || k, '@WORD@.' || k || '@' || CASE WHEN k % 2 THEN 'planted.example' ELSE 'other@WORD@.example' END,
  '+1 555 01' || printf('%02d', k), printf('%03d-%02d-%04d', 700 + k, k % 90 + 10, k * 97 + @SEED@),
  '@WORD@ note ' || printf('%.*c', k % 7 + 1, 'n'), json_object('k', '@WORD@' || k, 'list', json_array(k, k + 1), 'n', k),
  k * 11 + @SEED@, CASE n % 3 WHEN 0 THEN 'gold' WHEN 1 THEN 'pro' ELSE 'free' END, CASE n % 4 WHEN 0 THEN 'de' WHEN 1 THEN 'fr' ELSE 'us' END, n % 5
FROM s;
INSERT INTO orders(customer_id, status, total, note) SELECT id, CASE id % 2 WHEN 0 THEN 'paid' ELSE 'open' END, id * 10, 'order ' || id FROM customers ORDER BY id;
INSERT INTO newsletter(email, topic) SELECT 'reader' || id || '@public.example', 'topic ' || id % 3 FROM customers ORDER BY id LIMIT 10;
INSERT INTO newsletter(email, topic) VALUES ('planted.37@planted.example', 'probe');
INSERT INTO payments(id, order_id, card, amount) SELECT id, id, '4000 @SEED@' || printf('%010d', (id * @SEED@) % 101), total FROM orders ORDER BY id;
INSERT INTO employees SELECT id, '@WORD@ Worker' || (id * @SEED@) % 101, 1000 + (id * @SEED@) % 101, id / 4, CASE id % 2 WHEN 0 THEN 'ops' ELSE 'dev' END FROM customers WHERE id <= 20 ORDER BY id;
INSERT INTO tokens SELECT 'tok' || id, '@WORD@_tok_' || (id * @SEED@) % 101, id FROM customers WHERE id <= 10 ORDER BY id;
INSERT INTO vault SELECT 100000 + (id * @SEED@) % 101, 'label ' || id FROM customers WHERE id <= 10 ORDER BY id;
INSERT INTO archive(id, email, ssn, day) SELECT id + 1000, 'old' || (id * @SEED@) % 101 || '@WORD@', printf('%03d', (id * @SEED@) % 101), 'monday' FROM customers WHERE id <= 5 ORDER BY id;
INSERT INTO caps SELECT id, 2000, 1000 + (id * @SEED@) % 101 FROM customers WHERE id <= 10 ORDER BY id;
INSERT INTO events(id, kind, n) VALUES (1, 'start', 1), (2, 'stop', 2);
