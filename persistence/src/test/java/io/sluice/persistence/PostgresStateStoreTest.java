// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Props;
import akka.actor.typed.javadsl.AskPattern;
import akka.persistence.state.javadsl.DurableStateUpdateStore;
import com.typesafe.config.Config;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a PostgreSQL server, with the node's journal in its H2 file beside it. */
final class PostgresStateStoreTest extends StateStoreContract {
  @TempDir static Path folder;
  private static EmbeddedPostgres postgres;
  private static StateNodes nodes;

  @BeforeAll
  static void start() throws Exception {
    postgres = EmbeddedPostgres.builder().start();
    nodes = new StateNodes(folder, 1);
    begin();
  }

  private static void begin() {
    for (int node = 0; node < 2; node++) {
      Config journal = LocalJournal.open(folder.resolve("node" + node)).config();
      nodes.begin(node, journal.withFallback(config(url("postgres"))));
    }
    nodes.awaitMembers();
  }

  private static String url(String database) {
    return postgres.getJdbcUrl("postgres", database);
  }

  private static Config config(String url) {
    try {
      Path password = Files.writeString(folder.resolve("password"), "secret\n");
      return SharedState.config(
          folder, 2, new SharedState.Store.Postgresql(url, "postgres", Optional.of(password)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @AfterAll
  static void stop() throws Exception {
    nodes.close();
    postgres.close();
  }

  @Override
  ActorSystem<?> system() {
    return nodes.system(0);
  }

  @Override
  ActorSystem<?> otherSystem() {
    return nodes.system(1);
  }

  @Override
  void restart() {
    nodes.stopAll();
    begin();
  }

  /** Two databases in one actor system: events go to the file, state to the server. */
  @Test
  void journalStaysOnTheNode() throws Exception {
    var counting =
        system().systemActorOf(Counting.create("events", n -> {}), "events", Props.empty());
    long number =
        StateStoreContract.get(
            AskPattern.ask(
                counting, Counting.Next::new, Duration.ofSeconds(20), system().scheduler()));
    assertThat(number).isEqualTo(1);
    assertThat(tables("postgres")).contains("durable_state").doesNotContain("event_journal");
  }

  @Test
  void nodesThatStartAtOnceMakeTheTablesOnce() throws Exception {
    execute("postgres", "CREATE DATABASE fresh");
    int nodes = 8;
    CyclicBarrier together = new CyclicBarrier(nodes);
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int node = 0; node < nodes; node++) {
      all.add(
          CompletableFuture.runAsync(
              () -> {
                try {
                  together.await();
                  new PostgresSchema(url("fresh"), "postgres", "").migrate();
                } catch (Exception e) {
                  throw new CompletionException(e);
                }
              },
              task -> new Thread(task).start()));
    }
    all.forEach(CompletableFuture::join);
    assertThat(tables("fresh")).containsExactlyInAnyOrder("durable_state", "sluice_schema");
    assertThat(query("fresh", "SELECT version::text FROM sluice_schema")).containsExactly("1");
  }

  /** As somebody made them by hand from akka-persistence-jdbc's script. */
  @Test
  void tablesThatAreThereAreTakenOver() throws Exception {
    execute("postgres", "CREATE DATABASE byhand");
    new PostgresSchema(url("byhand"), "postgres", "").migrate();
    execute("byhand", "DROP TABLE sluice_schema");
    new PostgresSchema(url("byhand"), "postgres", "").migrate();
    assertThat(query("byhand", "SELECT version::text FROM sluice_schema")).containsExactly("1");
  }

  @Test
  void schemaOfANewerVersionIsRefused() throws Exception {
    execute("postgres", "CREATE DATABASE newer");
    PostgresSchema schema = new PostgresSchema(url("newer"), "postgres", "");
    schema.migrate();
    execute("newer", "INSERT INTO sluice_schema VALUES (7)");
    assertThatThrownBy(schema::migrate)
        .isInstanceOf(JournalException.class)
        .hasMessageContaining("newer version of Sluice (schema 7, this one knows 1)");
  }

  @Test
  void whatCannotBeReadIsNotTakenForNothing() throws Exception {
    get(store().upsertObject("unreadable", 1, new StoredTable.Text("a"), ""));
    execute(
        "postgres",
        "UPDATE durable_state SET state_payload = '\\x00' WHERE persistence_id = 'unreadable'");
    assertThatThrownBy(() -> get(store().getObject("unreadable")))
        .hasMessageContaining("unreadable: what is stored cannot be read by this version");
  }

  /** The agent starts without its server, says what is wrong, and works once it is there. */
  @Test
  void serverThatIsAwayIsOneClearLine() {
    try (StateNodes alone = new StateNodes(folder.resolve("alone"), 1)) {
      alone.begin(0, config("jdbc:postgresql://127.0.0.1:1/postgres"));
      DurableStateUpdateStore<Object> store = StateNodes.store(alone.system(0));
      assertThatThrownBy(() -> get(store.getObject("x")))
          .cause()
          .isInstanceOf(JournalException.class)
          .hasMessageContaining("store postgresql jdbc:postgresql://127.0.0.1:1/postgres")
          .hasMessageContaining("refused")
          .hasMessageNotContaining("\n");
    }
  }

  private static List<String> tables(String database) throws Exception {
    return query(
        database, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
  }

  private static void execute(String database, String sql) throws Exception {
    try (Connection connection = DriverManager.getConnection(url(database));
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static List<String> query(String database, String sql) throws Exception {
    try (Connection connection = DriverManager.getConnection(url(database));
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<String> found = new ArrayList<>();
      while (rows.next()) {
        found.add(rows.getString(1));
      }
      return found;
    }
  }
}
