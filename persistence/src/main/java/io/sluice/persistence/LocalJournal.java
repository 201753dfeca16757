// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.persistence.jdbc.journal.JdbcAsyncWriteJournal;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Blob;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal of what this node has promised (service IDs, slots, what it found before it changed
 * something): an H2 file in the agent's data folder, written through akka-persistence-jdbc.
 *
 * <p>{@link #open} comes before the actor system: it makes sure that there is a whole journal, and
 * gives the configuration under which the actor system uses it. A file that cannot be read to its
 * end is set aside under a name with a time stamp, for people to look at, and a fresh one is begun:
 * a journal is used whole or not at all. What it promised is then rebuilt from the kernel's maps.
 */
public final class LocalJournal {
  private static final Logger LOG = LoggerFactory.getLogger(LocalJournal.class);

  private static final String SCRIPT = "schema/h2/h2-create-schema.sql";
  private static final List<String> TABLES =
      List.of("event_journal", "event_tag", "snapshot", "durable_state");

  private LocalJournal() {}

  /**
   * @param config settings for the actor system; goes before {@code ConfigFactory.load()}
   * @param setAside where a damaged journal is now, if there was one
   */
  public record Opened(Config config, Optional<Path> setAside) {}

  /**
   * Makes the folder and the journal if they are not there, checks the journal if it is.
   *
   * @param folder the agent's data folder
   * @throws JournalException if another process uses the journal, or the folder cannot be written
   */
  public static Opened open(Path folder) {
    return open(folder, Clock.systemUTC());
  }

  static Opened open(Path folder, Clock clock) {
    H2File file = H2File.in(folder, "journal", "journal");
    try {
      Schema schema = new Schema(List.of(script()), TABLES.get(0));
      Optional<Path> setAside = Optional.empty();
      if (file.exists()) {
        Optional<String> damage = file.damage(LocalJournal::wrong);
        if (damage.isPresent()) {
          setAside = Optional.of(file.setAside(clock));
          LOG.error(
              "journal {} is damaged ({}): set aside as {}; beginning a new one, promises are"
                  + " rebuilt from the kernel's maps",
              file.path(),
              damage.get(),
              setAside.get());
        }
      }
      if (file.exists()) {
        try (Connection connection = file.connect()) {
          schema.migrate(connection, "journal " + file.path());
        }
      } else {
        file.create(
            connection -> {
              schema.migrate(connection, "journal " + file.path());
              return null;
            });
      }
      return new Opened(config(file), setAside);
    } catch (IOException | SQLException e) {
      throw file.failure(e);
    }
  }

  private static Config config(H2File file) {
    return ConfigFactory.empty()
        .withValue(
            "akka-persistence-jdbc.shared-databases.slick.db.url",
            ConfigValueFactory.fromAnyRef(file.url()))
        .withFallback(ConfigFactory.parseResources(LocalJournal.class, "/persistence.conf"));
  }

  /** Reads every row of every table. */
  private static Optional<String> wrong(Connection connection) throws SQLException {
    Optional<String> missing = H2File.missing(connection, TABLES);
    if (missing.isEmpty()) {
      try (Statement statement = connection.createStatement()) {
        for (String table : TABLES) {
          readWhole(statement, table);
        }
      }
    }
    return missing;
  }

  private static void readWhole(Statement statement, String table) throws SQLException {
    try (ResultSet rows = statement.executeQuery("SELECT * FROM \"" + table + "\"")) {
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        for (int column = 1; column <= columns; column++) {
          if (rows.getObject(column) instanceof Blob blob) {
            blob.getBytes(1, (int) blob.length());
          }
        }
      }
    }
  }

  private static String script() throws IOException {
    ClassLoader loader = JdbcAsyncWriteJournal.class.getClassLoader();
    try (InputStream in = loader.getResourceAsStream(SCRIPT)) {
      if (in == null) {
        throw new IOException("akka-persistence-jdbc has no " + SCRIPT);
      }
      // The one statement of it that could not be run again after an interruption.
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .replace("CREATE UNIQUE INDEX \"", "CREATE UNIQUE INDEX IF NOT EXISTS \"");
    }
  }
}
