// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Properties;

/**
 * The table that akka-persistence-jdbc wants, made and kept up to date by whichever node comes
 * first; a lock makes the others wait for it. All or nothing: PostgreSQL takes definitions back.
 */
record PostgresSchema(String url, String user, String password) {
  /** Of the advisory lock: "sluice" in ASCII. */
  private static final long LOCK = 0x736c75696365L;

  private static final Schema SCHEMA =
      new Schema(
          List.of(
              """
              CREATE TABLE IF NOT EXISTS durable_state (
                global_offset BIGSERIAL,
                persistence_id VARCHAR(255) NOT NULL,
                revision BIGINT NOT NULL,
                state_payload BYTEA NOT NULL,
                state_serial_id INTEGER NOT NULL,
                state_serial_manifest VARCHAR(255),
                tag VARCHAR,
                state_timestamp BIGINT NOT NULL,
                PRIMARY KEY (persistence_id));
              CREATE INDEX IF NOT EXISTS state_tag_idx ON durable_state (tag);
              CREATE INDEX IF NOT EXISTS state_global_offset_idx ON durable_state (global_offset)
              """),
          "durable_state");

  void migrate() throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    properties.setProperty("password", password);
    properties.setProperty("connectTimeout", "5");
    properties.setProperty("socketTimeout", "30");
    try (Connection connection = DriverManager.getConnection(url, properties);
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SELECT pg_advisory_xact_lock(" + LOCK + ")");
      SCHEMA.migrate(connection, "the database " + url);
      connection.commit();
    }
  }
}
