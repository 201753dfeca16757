// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This node's copy of the shared state: {@code shared-state.mv.db}, a row with a checksum for each
 * object, and {@code shared-state.mark}, which counts the commits. H2 opens a file whose end makes
 * no sense as it was some commits ago; the mark tells. Used by one thread at a time.
 */
final class StateFile implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StateFile.class);

  private static final String NAME = "shared-state";
  private static final String WHAT = "shared state";
  private static final List<String> TABLES = List.of("state", "meta");
  private static final Schema SCHEMA =
      new Schema(
          List.of(
              """
              CREATE TABLE IF NOT EXISTS "state" (
                "key" VARCHAR(1024) PRIMARY KEY,
                "checksum" INTEGER NOT NULL,
                "data" VARBINARY(1048576) NOT NULL);
              CREATE TABLE IF NOT EXISTS "meta" (
                "name" VARCHAR(32) PRIMARY KEY,
                "value" VARCHAR(65536) NOT NULL)
              """),
          TABLES.get(0));

  /** How much this copy knows of what was acknowledged. */
  enum Standing {
    /** Begun where none was: it has never taken part in a decision. */
    NEW,
    /** Begun where one was lost: it may have forgotten what it took part in. */
    LOST,
    /** It has all that it has acknowledged. */
    WHOLE
  }

  /**
   * @param id of this file; another one for each that is begun
   * @param founders the ids of those that began the shared state together with this one
   */
  record Identity(String id, Standing standing, Set<String> founders) {}

  /** An object's key and its register. */
  record Row(String key, Register register) {}

  private final H2File file;
  private Connection connection;
  private long commits;

  private StateFile(H2File file) {
    this.file = file;
  }

  /**
   * Makes the folder and the file if they are not there, checks the file if it is, and sets it
   * aside if it is damaged.
   *
   * @return where a damaged file is now
   * @throws JournalException if another process uses the file, or the folder cannot be written
   */
  static Optional<Path> prepare(Path folder, Clock clock) {
    H2File file = H2File.in(folder, NAME, WHAT);
    try {
      Optional<Path> aside = Optional.empty();
      boolean lost = !file.exists() && Files.exists(mark(file));
      if (file.exists()) {
        Optional<String> damage = file.damage(connection -> wrong(file, connection));
        if (damage.isPresent()) {
          lost = true;
          aside = Optional.of(file.setAside(clock));
          LOG.error(
              "shared state {} is damaged ({}): set aside as {}; beginning a new one, to be filled"
                  + " from the other nodes",
              file.path(),
              damage.get(),
              aside.get());
        }
      } else if (lost) {
        LOG.error(
            "shared state {} is gone, although this node had one: beginning a new one, to be"
                + " filled from the other nodes",
            file.path());
      }
      if (!file.exists()) {
        Standing standing = lost ? Standing.LOST : Standing.NEW;
        file.create(connection -> begin(connection, standing));
        writeMark(file, 0);
      }
      return aside;
    } catch (IOException | SQLException e) {
      throw file.failure(e);
    }
  }

  private static Void begin(Connection connection, Standing standing) throws SQLException {
    SCHEMA.migrate(connection, WHAT);
    put(connection, "commits", "0");
    put(connection, "id", UUID.randomUUID().toString());
    put(connection, "standing", standing.name());
    put(connection, "founders", "");
    return null;
  }

  /** Opens what {@link #prepare} has made sure of. */
  static StateFile open(Path folder) {
    StateFile state = new StateFile(H2File.in(folder, NAME, WHAT));
    try {
      state.reconnect();
      SCHEMA.migrate(state.connection, WHAT + " " + state.file.path());
      return state;
    } catch (SQLException e) {
      state.close();
      throw state.file.failure(e);
    }
  }

  Path folder() {
    return file.home();
  }

  private void reconnect() throws SQLException {
    connection = file.connect();
    connection.setAutoCommit(false);
    commits = commits(connection);
  }

  private void reopen() throws SQLException, IOException {
    if (connection.isClosed()) {
      long before = commits;
      reconnect();
      if (commits < before) {
        close();
        commits = before;
        throw new IOException(file.path() + " is older than it was: restart the agent");
      }
    }
  }

  Identity identity() throws SQLException, IOException {
    reopen();
    String founders = meta(connection, "founders");
    return new Identity(
        meta(connection, "id"),
        Standing.valueOf(meta(connection, "standing")),
        founders.isEmpty() ? Set.of() : Set.of(founders.split(",")));
  }

  /** From now on this copy counts. */
  void becomeWhole(Set<String> founders) throws SQLException, IOException {
    reopen();
    put(connection, "standing", Standing.WHOLE.name());
    put(connection, "founders", String.join(",", founders));
    commit();
  }

  /** All rows. */
  List<Row> load() throws SQLException, IOException {
    return page("", Integer.MAX_VALUE);
  }

  /**
   * The next rows in the order of their keys: as many as fit into so many bytes, and at least one.
   */
  List<Row> page(String after, int bytes) throws SQLException, IOException {
    reopen();
    List<Row> rows = new ArrayList<>();
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT \"key\", \"checksum\", \"data\" FROM \"state\" WHERE \"key\" > ?"
                + " ORDER BY \"key\"")) {
      select.setString(1, after);
      long size = 0;
      try (ResultSet found = select.executeQuery()) {
        while (found.next()) {
          byte[] data = found.getBytes(3);
          size += data.length + found.getString(1).length();
          if (!rows.isEmpty() && size > bytes) {
            break;
          }
          rows.add(row(found.getString(1), found.getInt(2), data));
        }
      }
    }
    connection.commit();
    return rows;
  }

  private static Row row(String key, int checksum, byte[] data) throws IOException {
    if (checksum(key, data) != checksum) {
      throw new IOException("checksum of " + key + " is wrong");
    }
    return new Row(key, Register.fromBytes(data));
  }

  /**
   * Has all of them on disk when it returns, and none of them if it fails. After a failure the next
   * call opens the file anew: H2 closes a database that it could not write.
   */
  void save(Map<String, Register> registers) throws SQLException, IOException {
    reopen();
    try (PreparedStatement merge =
        connection.prepareStatement(
            "MERGE INTO \"state\" (\"key\", \"checksum\", \"data\") VALUES (?, ?, ?)")) {
      for (Map.Entry<String, Register> entry : registers.entrySet()) {
        byte[] data = entry.getValue().toBytes();
        merge.setString(1, entry.getKey());
        merge.setInt(2, checksum(entry.getKey(), data));
        merge.setBytes(3, data);
        merge.addBatch();
      }
      merge.executeBatch();
      commit();
    } catch (SQLException | IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private void commit() throws SQLException, IOException {
    put(connection, "commits", Long.toString(commits + 1));
    connection.commit();
    H2File.flush(connection);
    commits++;
    writeMark(file, commits);
  }

  @Override
  public void close() {
    try {
      if (connection != null) {
        connection.close();
      }
    } catch (SQLException e) {
      LOG.debug("closing {}", file.path(), e);
    }
  }

  /** Reads all of it, by the rows and by the index. */
  private static Optional<String> wrong(H2File file, Connection connection)
      throws SQLException, IOException {
    Optional<String> missing = H2File.missing(connection, TABLES);
    if (missing.isPresent()) {
      return missing;
    }
    SCHEMA.migrate(connection, WHAT + " " + file.path());
    for (String name : List.of("commits", "id", "standing", "founders")) {
      if (meta(connection, name) == null) {
        return Optional.of(name + " is missing");
      }
    }
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery("SELECT \"key\", \"checksum\", \"data\" FROM \"state\"")) {
      int count = 0;
      while (rows.next()) {
        String key = rows.getString(1);
        if (checksum(key, rows.getBytes(3)) != rows.getInt(2)) {
          return Optional.of("checksum of " + key + " is wrong");
        }
        count++;
      }
      if (count != countByIndex(connection)) {
        return Optional.of("rows and index differ");
      }
    }
    return staleness(file, commits(connection));
  }

  private static int countByIndex(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet keys =
            statement.executeQuery(
                "SELECT \"key\" FROM \"state\" WHERE \"key\" >= '' ORDER BY \"key\"")) {
      int count = 0;
      while (keys.next()) {
        count++;
      }
      return count;
    }
  }

  private static Optional<String> staleness(H2File file, long commits) throws IOException {
    if (!Files.exists(mark(file))) {
      // A first start that was interrupted before it could make one.
      return commits == 0 ? Optional.empty() : Optional.of(mark(file) + " is missing");
    }
    ByteBuffer mark = ByteBuffer.wrap(Files.readAllBytes(mark(file)));
    if (mark.remaining() != Long.BYTES + Integer.BYTES
        || checksum(WHAT, Long.toString(mark.getLong(0)).getBytes(StandardCharsets.UTF_8))
            != mark.getInt(Long.BYTES)) {
      return Optional.of(mark(file) + " is damaged");
    }
    long marked = mark.getLong(0);
    return commits < marked
        ? Optional.of("it ends at commit %d of %d".formatted(commits, marked))
        : Optional.empty();
  }

  private static Path mark(H2File file) {
    return file.home().resolve(NAME + ".mark");
  }

  private static void writeMark(H2File file, long commits) throws IOException {
    ByteBuffer mark = ByteBuffer.allocate(Long.BYTES + Integer.BYTES);
    mark.putLong(commits);
    mark.putInt(checksum(WHAT, Long.toString(commits).getBytes(StandardCharsets.UTF_8)));
    mark.flip();
    try (FileChannel channel =
        FileChannel.open(mark(file), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(mark, 0);
    }
  }

  private static int checksum(String key, byte[] data) {
    CRC32C crc = new CRC32C();
    crc.update(key.getBytes(StandardCharsets.UTF_8));
    crc.update(data);
    return (int) crc.getValue();
  }

  private static long commits(Connection connection) throws SQLException {
    return Long.parseLong(meta(connection, "commits"));
  }

  private static String meta(Connection connection, String name) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement("SELECT \"value\" FROM \"meta\" WHERE \"name\" = ?")) {
      select.setString(1, name);
      try (ResultSet found = select.executeQuery()) {
        return found.next() ? found.getString(1) : null;
      }
    }
  }

  private static void put(Connection connection, String name, String value) throws SQLException {
    try (PreparedStatement merge =
        connection.prepareStatement("MERGE INTO \"meta\" (\"name\", \"value\") VALUES (?, ?)")) {
      merge.setString(1, name);
      merge.setString(2, value);
      merge.executeUpdate();
    }
  }
}
