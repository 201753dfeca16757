// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.persistence.jdbc.journal.JdbcAsyncWriteJournal;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Blob;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import org.h2.api.ErrorCode;
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

  private static final String NAME = "journal";
  private static final String UNFINISHED = "journal.new";
  private static final String SCHEMA = "schema/h2/h2-create-schema.sql";
  private static final List<String> TABLES =
      List.of("event_journal", "event_tag", "snapshot", "durable_state");

  /**
   * H2 acknowledges before it writes, unless told otherwise: without the first two, kill -9 loses
   * acknowledged events (AG-2). The actor system closes the database, not H2's own shutdown hook.
   */
  private static final String SETTINGS = ";WRITE_DELAY=0;RETENTION_TIME=0;DB_CLOSE_ON_EXIT=FALSE";

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
    Path home = folder.toAbsolutePath().normalize();
    if (home.toString().indexOf(';') >= 0) {
      throw new JournalException("data-dir " + home + ": a path with ';' cannot be used", null);
    }
    try {
      Files.createDirectories(home);
      if (!Files.isWritable(home)) {
        throw new JournalException("data-dir " + home + " is not writable", null);
      }
      Optional<Path> setAside = Optional.empty();
      if (Files.exists(file(home))) {
        Optional<String> damage = damage(home);
        if (damage.isPresent()) {
          setAside = Optional.of(setAside(home, clock));
          LOG.error(
              "journal {} is damaged ({}): set aside as {}; beginning a new one, promises are"
                  + " rebuilt from the kernel's maps",
              file(home),
              damage.get(),
              setAside.get());
        }
      }
      if (!Files.exists(file(home))) {
        create(home);
      }
      return new Opened(config(home), setAside);
    } catch (IOException | SQLException e) {
      throw failure(home, e);
    }
  }

  private static Config config(Path home) {
    return ConfigFactory.empty()
        .withValue(
            "akka-persistence-jdbc.shared-databases.slick.db.url",
            ConfigValueFactory.fromAnyRef(url(home, NAME)))
        .withFallback(ConfigFactory.parseResources(LocalJournal.class, "/persistence.conf"));
  }

  private static Path file(Path home) {
    return home.resolve(NAME + ".mv.db");
  }

  private static String url(Path home, String name) {
    return "jdbc:h2:file:" + home.resolve(name) + SETTINGS;
  }

  private static Connection connect(Path home, String name) throws SQLException {
    return DriverManager.getConnection(url(home, name), "sa", "");
  }

  /**
   * Reads every row of every table.
   *
   * @return what is wrong; nothing if the journal is whole
   */
  private static Optional<String> damage(Path home) {
    try {
      if (!Files.isReadable(file(home)) || !Files.isWritable(file(home))) {
        throw new JournalException("journal " + file(home) + " is not readable and writable", null);
      }
      if (Files.size(file(home)) == 0) {
        return Optional.of("the file is empty");
      }
      try (Connection connection = connect(home, NAME);
          Statement statement = connection.createStatement()) {
        for (String table : TABLES) {
          // H2 opens a file of whose contents nothing makes sense as an empty database.
          if (!exists(connection, table)) {
            return Optional.of("table " + table + " is missing");
          }
          readWhole(statement, table);
        }
      }
      return Optional.empty();
    } catch (SQLException e) {
      if (e.getErrorCode() == ErrorCode.DATABASE_ALREADY_OPEN_1) {
        throw failure(home, e);
      }
      return Optional.of(oneLine(e));
    } catch (IOException e) {
      throw failure(home, e);
    } catch (RuntimeException e) {
      // H2's storage throws unchecked exceptions of many kinds over pages that make no sense.
      return Optional.of(oneLine(e));
    }
  }

  private static boolean exists(Connection connection, String table) throws SQLException {
    try (ResultSet tables = connection.getMetaData().getTables(null, null, table, null)) {
      return tables.next();
    }
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

  private static Path setAside(Path home, Clock clock) throws IOException {
    String stamp =
        DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss.SSS'Z'")
            .format(clock.instant().atOffset(ZoneOffset.UTC));
    Path aside = home.resolve(NAME + ".damaged-" + stamp + ".mv.db");
    Files.move(file(home), aside);
    Files.deleteIfExists(home.resolve(NAME + ".trace.db"));
    return aside;
  }

  /** Makes a journal with all its tables, under its name only once it is whole. */
  private static void create(Path home) throws IOException, SQLException {
    Path unfinished = home.resolve(UNFINISHED + ".mv.db");
    Files.deleteIfExists(unfinished);
    createSchema(home);
    Files.move(unfinished, file(home), StandardCopyOption.ATOMIC_MOVE);
  }

  private static void createSchema(Path home) throws IOException, SQLException {
    String script;
    ClassLoader loader = JdbcAsyncWriteJournal.class.getClassLoader();
    try (InputStream in = loader.getResourceAsStream(SCHEMA)) {
      if (in == null) {
        throw new IOException("akka-persistence-jdbc has no " + SCHEMA);
      }
      script = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    try (Connection connection = connect(home, UNFINISHED);
        Statement statement = connection.createStatement()) {
      for (String part : script.split(";")) {
        if (!part.isBlank()) {
          statement.execute(part);
        }
      }
    }
  }

  private static JournalException failure(Path home, Exception e) {
    if (e instanceof SQLException sql && sql.getErrorCode() == ErrorCode.DATABASE_ALREADY_OPEN_1) {
      return new JournalException(
          "data-dir " + home + " is in use by another agent: stop it, or give this one another", e);
    }
    return new JournalException("journal in data-dir " + home + ": " + oneLine(e), e);
  }

  private static String oneLine(Exception e) {
    String text = String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    return text.length() > 200 ? text.substring(0, 200) + "…" : text;
  }
}
