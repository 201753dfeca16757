// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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

/**
 * An H2 database in one file of the agent's data folder: begun as a whole, used as a whole, set
 * aside as a whole. The journal and the shared state are two of them.
 */
final class H2File {
  /**
   * H2 acknowledges before it writes, unless WRITE_DELAY=0 is set: kill -9 loses what was
   * acknowledged (AG-2). Overwritten pages are kept for some seconds: with RETENTION_TIME=0 H2
   * 2.3.232 reuses their place at once, and now and then opens a file as it was many commits ago,
   * also after it was closed properly. Whoever opened the database closes it, not H2's shutdown
   * hook.
   */
  private static final String SETTINGS =
      ";WRITE_DELAY=0;RETENTION_TIME=5000;DB_CLOSE_ON_EXIT=FALSE";

  private final Path home;
  private final String name;
  private final String what;

  private H2File(Path home, String name, String what) {
    this.home = home;
    this.name = name;
    this.what = what;
  }

  /** What is done with an open database. */
  interface Work<T> {
    T on(Connection connection) throws SQLException, IOException;
  }

  /**
   * Makes the folder if it is not there.
   *
   * @param name of the file, without {@code .mv.db}
   * @param what it holds, for messages
   * @throws JournalException if the folder cannot be used
   */
  static H2File in(Path folder, String name, String what) {
    H2File file = new H2File(folder.toAbsolutePath().normalize(), name, what);
    if (file.home.toString().indexOf(';') >= 0) {
      throw new JournalException(
          "data-dir " + file.home + ": a path with ';' cannot be used", null);
    }
    try {
      Files.createDirectories(file.home);
    } catch (IOException e) {
      throw file.failure(e);
    }
    if (!Files.isWritable(file.home)) {
      throw new JournalException("data-dir " + file.home + " is not writable", null);
    }
    return file;
  }

  Path home() {
    return home;
  }

  Path path() {
    return home.resolve(name + ".mv.db");
  }

  String url() {
    return "jdbc:h2:file:" + home.resolve(name) + SETTINGS;
  }

  Connection connect() throws SQLException {
    return DriverManager.getConnection(url(), "sa", "");
  }

  boolean exists() {
    return Files.exists(path());
  }

  /**
   * Opens the database and has it read.
   *
   * @param check reads all that will be relied on, and says what is wrong with it
   * @return what is wrong; nothing if the database is whole
   * @throws JournalException if another process uses it, or it must not be used by this version
   */
  Optional<String> damage(Work<Optional<String>> check) {
    try {
      if (!Files.isReadable(path()) || !Files.isWritable(path())) {
        throw new JournalException(what + " " + path() + " is not readable and writable", null);
      }
      if (Files.size(path()) == 0) {
        return Optional.of("the file is empty");
      }
      try (Connection connection = connect()) {
        return check.on(connection);
      }
    } catch (SQLException e) {
      if (e.getErrorCode() == ErrorCode.DATABASE_ALREADY_OPEN_1) {
        throw failure(e);
      }
      return Optional.of(oneLine(e));
    } catch (IOException e) {
      throw failure(e);
    } catch (JournalException e) {
      throw e;
    } catch (RuntimeException e) {
      // H2's storage throws unchecked exceptions of many kinds over pages that make no sense.
      return Optional.of(oneLine(e));
    }
  }

  /** Of these tables, one that is missing: H2 opens a file that makes no sense as an empty one. */
  static Optional<String> missing(Connection connection, List<String> tables) throws SQLException {
    for (String table : tables) {
      if (!hasTable(connection, table)) {
        return Optional.of("table " + table + " is missing");
      }
    }
    return Optional.empty();
  }

  static boolean hasTable(Connection connection, String table) throws SQLException {
    try (ResultSet tables = connection.getMetaData().getTables(null, null, table, null)) {
      return tables.next();
    }
  }

  /** Renames the file, for people to look at. */
  Path setAside(Clock clock) throws IOException {
    String stamp =
        DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss.SSS'Z'")
            .format(clock.instant().atOffset(ZoneOffset.UTC));
    Path aside = home.resolve(name + ".damaged-" + stamp + ".mv.db");
    Files.move(path(), aside);
    Files.deleteIfExists(home.resolve(name + ".trace.db"));
    return aside;
  }

  /** Makes the database, under its name only once it is whole. */
  void create(Work<?> fill) throws IOException, SQLException {
    H2File unfinished = new H2File(home, name + ".new", what);
    Files.deleteIfExists(unfinished.path());
    try (Connection connection = unfinished.connect()) {
      fill.on(connection);
      flush(connection);
    }
    Files.move(unfinished.path(), path(), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Waits until the disk has everything that was committed. */
  static void flush(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("CHECKPOINT SYNC");
    }
  }

  /** One line for the user about an error with this file. */
  JournalException failure(Exception e) {
    if (e instanceof JournalException already) {
      return already;
    }
    if (e instanceof SQLException sql && sql.getErrorCode() == ErrorCode.DATABASE_ALREADY_OPEN_1) {
      return new JournalException(
          "data-dir " + home + " is in use by another agent: stop it, or give this one another", e);
    }
    return new JournalException(what + " in data-dir " + home + ": " + oneLine(e), e);
  }

  static String oneLine(Throwable e) {
    String text = String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    return text.length() > 200 ? text.substring(0, 200) + "…" : text;
  }
}
