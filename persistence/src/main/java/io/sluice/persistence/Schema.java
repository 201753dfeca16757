// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * The tables of a database, as steps from nothing to today. A table of its own says how many steps
 * a database has seen; the rest is done when it is opened. Steps are only ever appended.
 *
 * @param steps scripts; statements end with a semicolon. Each can be run again after it was
 *     interrupted, for H2 commits every statement that defines something
 * @param landmark a table that a database of before there was a version table has; then it has seen
 *     the first step
 */
record Schema(List<String> steps, String landmark) {
  private static final String VERSION_TABLE = "sluice_schema";

  /**
   * @param what the database, for messages
   * @throws JournalException if a newer version has written the database
   */
  void migrate(Connection connection, String what) throws SQLException {
    boolean baseline =
        H2File.hasTable(connection, landmark) && !H2File.hasTable(connection, VERSION_TABLE);
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "CREATE TABLE IF NOT EXISTS \"" + VERSION_TABLE + "\" (\"version\" INTEGER PRIMARY KEY)");
      if (baseline) {
        note(statement, 1);
      }
      int seen = seen(statement);
      if (seen > steps.size()) {
        throw new JournalException(
            "%s was written by a newer version of Sluice (schema %d, this one knows %d): run that one"
                .formatted(what, seen, steps.size()),
            null);
      }
      for (int step = seen; step < steps.size(); step++) {
        for (String part : steps.get(step).split(";")) {
          if (!part.isBlank()) {
            statement.execute(part);
          }
        }
        note(statement, step + 1);
      }
    }
  }

  private static void note(Statement statement, int version) throws SQLException {
    statement.executeUpdate("INSERT INTO \"" + VERSION_TABLE + "\" VALUES (" + version + ")");
  }

  private static int seen(Statement statement) throws SQLException {
    try (ResultSet rows =
        statement.executeQuery("SELECT MAX(\"version\") FROM \"" + VERSION_TABLE + "\"")) {
      rows.next();
      return rows.getInt(1);
    }
  }
}
