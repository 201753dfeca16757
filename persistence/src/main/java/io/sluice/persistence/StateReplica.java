// SPDX-License-Identifier: Apache-2.0
package io.sluice.persistence;

import akka.actor.AbstractActorWithTimers;
import akka.actor.ActorRef;
import akka.actor.Address;
import akka.actor.Props;
import akka.cluster.Cluster;
import akka.cluster.Member;
import akka.cluster.ddata.DurableStore;
import io.sluice.persistence.StateFile.Identity;
import io.sluice.persistence.StateFile.Standing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The durable store of the replicator: loads this node's copy, writes what the replicator merges,
 * and answers once it is on disk. It says no to what was written under a ballot that is past.
 *
 * <p>A copy that was begun anew is loaded only once it may count ({@link CatchUp}): until then the
 * replicator neither answers nor acknowledges. This actor asks those of the other nodes meanwhile.
 */
final class StateReplica extends AbstractActorWithTimers {
  private static final Logger LOG = LoggerFactory.getLogger(StateReplica.class);

  /** In the data folder: made by an operator who would rather lose something than wait. */
  static final String ACCEPT_LOSS = "shared-state.accept-loss";

  private static final Duration ASK_AGAIN = Duration.ofMillis(500);
  private static final Duration TRY_AGAIN = Duration.ofSeconds(1);
  private static final int FIRST_LINE = 20;
  private static final int TICKS_BETWEEN_LINES = 60;

  /** Well below a frame, also with the frame size that Akka has by default. */
  private static final int PAGE_BYTES = 128 * 1024;

  /** Enough for one transaction: what comes later goes into the next. */
  private static final int MOST_AT_ONCE = 1_000;

  private enum Tick {
    SAVE,
    SAVE_AGAIN,
    CATCH_UP
  }

  /** Asks another node's copy for its rows. */
  record CopyRequest(String after) implements CborSerializable {}

  /** An object's key and its register as bytes. */
  record CopiedRow(String key, byte[] register) {}

  /** Some rows, and what the copy is that they come from. */
  record CopyPage(
      String id,
      Standing standing,
      Set<String> founders,
      String after,
      List<CopiedRow> rows,
      boolean last)
      implements CborSerializable {}

  /** How far another copy has been read. */
  private record Progress(String id, String after, Optional<Identity> done) {}

  private final Path folder;
  private final int quorum;
  private final Replica replica;
  private final Cluster cluster = Cluster.get(getContext().getSystem());
  private final Map<String, Register> unsaved = new LinkedHashMap<>();
  private final List<DurableStore.StoreReply> unanswered = new ArrayList<>();
  private final Map<String, Register> copied = new HashMap<>();
  private final Map<Address, Progress> progress = new HashMap<>();
  private StateFile file;
  private boolean failing;
  private boolean ticking;
  private int ticks;
  private ActorRef replicator;

  private StateReplica(Path folder, int quorum, Replica replica) {
    this.folder = folder;
    this.quorum = quorum;
    this.replica = replica;
  }

  static Props props(Path folder, int quorum, Replica replica) {
    return Props.create(StateReplica.class, () -> new StateReplica(folder, quorum, replica))
        .withDispatcher("sluice-replicated-state.store-dispatcher");
  }

  @Override
  public void postStop() {
    if (file != null) {
      file.close();
    }
  }

  @Override
  public Receive createReceive() {
    return receiveBuilder().matchEquals(DurableStore.LoadAll$.MODULE$, all -> load()).build();
  }

  private void load() {
    replicator = getSender();
    try {
      file = StateFile.open(folder);
      for (StateFile.Row row : file.load()) {
        replica.saved(row.key(), row.register());
      }
      if (file.identity().standing() == Standing.WHOLE) {
        loaded(file.load());
      } else {
        getTimers()
            .startTimerWithFixedDelay(Tick.CATCH_UP, Tick.CATCH_UP, Duration.ZERO, ASK_AGAIN);
        getContext().become(catchingUp());
      }
    } catch (SQLException | IOException | RuntimeException e) {
      String line = "shared state in " + folder + " cannot be loaded: " + H2File.oneLine(e);
      replica.trouble(Optional.of(line));
      throw new DurableStore.LoadFailed(line, e);
    }
  }

  private void loaded(List<StateFile.Row> rows) {
    Map<String, DurableStore.DurableDataEnvelope> data = new HashMap<>();
    for (StateFile.Row row : rows) {
      data.put(row.key(), new DurableStore.DurableDataEnvelope(row.register()));
    }
    if (!data.isEmpty()) {
      replicator.tell(
          new DurableStore.LoadData(
              scala.collection.immutable.Map.from(CollectionConverters.asScala(data))),
          getSelf());
    }
    replicator.tell(DurableStore.LoadAllCompleted$.MODULE$, getSelf());
    replica.count();
    getContext().become(active());
  }

  // Catching up

  private Receive catchingUp() {
    return receiveBuilder()
        .matchEquals(Tick.CATCH_UP, tick -> guarded(this::askOthers))
        .match(CopyPage.class, page -> guarded(() -> copy(page)))
        .match(CopyRequest.class, request -> guarded(() -> answer(request)))
        .build();
  }

  private interface Work {
    void run() throws SQLException, IOException;
  }

  /** A failure shows, and what failed is tried again with the next tick. */
  private void guarded(Work work) {
    try {
      work.run();
    } catch (SQLException | IOException | RuntimeException e) {
      LOG.warn("shared state in {}: {}", folder, H2File.oneLine(e));
    }
  }

  private void askOthers() throws SQLException, IOException {
    if (acceptLoss()) {
      become(Set.of());
      return;
    }
    consider();
    if (replica.counting()) {
      return;
    }
    for (Address other : others()) {
      Progress so = progress.get(other);
      if (so == null) {
        ask(other, "");
      } else if (so.done().isEmpty()) {
        ask(other, so.after());
      } else if (so.done().get().standing() != Standing.WHOLE) {
        ask(other, "");
      }
    }
    if (ticks++ % TICKS_BETWEEN_LINES == FIRST_LINE) {
      LOG.warn("{}", replica.trouble().orElse(""));
    }
  }

  private void ask(Address other, String after) {
    getContext()
        .actorSelection(getSelf().path().toStringWithAddress(other))
        .tell(new CopyRequest(after), getSelf());
  }

  private Set<Address> others() {
    Set<Address> addresses = new HashSet<>();
    for (Member member : cluster.state().getMembers()) {
      addresses.add(member.address());
    }
    addresses.remove(cluster.selfAddress());
    return addresses;
  }

  private void copy(CopyPage page) throws SQLException, IOException {
    Address from = getSender().path().address();
    String after = page.after();
    for (CopiedRow row : page.rows()) {
      Register register = Register.fromBytes(row.register());
      copied.merge(row.key(), register, Register::mergeData);
      after = row.key();
    }
    Progress before = progress.get(from);
    if (!page.after().isEmpty() && (before == null || !before.after().equals(page.after()))) {
      return;
    }
    if (!page.after().isEmpty() && !before.id().equals(page.id())) {
      // Another file than the one that it was begun with.
      progress.remove(from);
      return;
    }
    if (page.last()) {
      Identity identity = new Identity(page.id(), page.standing(), page.founders());
      progress.put(from, new Progress(page.id(), after, Optional.of(identity)));
      consider();
    } else {
      progress.put(from, new Progress(page.id(), after, Optional.empty()));
      ask(from, after);
    }
  }

  private void consider() throws SQLException, IOException {
    int members = others().size() + 1;
    Identity self = file.identity();
    List<Identity> told =
        progress.values().stream().map(Progress::done).flatMap(Optional::stream).toList();
    int deciding = quorum <= 1 ? 1 : Majority.of(members, quorum);
    CatchUp catchUp = new CatchUp(self, deciding, told);
    Optional<Set<String>> founders = catchUp.whole();
    if (founders.isPresent()) {
      become(founders.get());
      return;
    }
    replica.trouble(
        Optional.of(
            "this node's copy of the shared state is %s and counts for no majority until it has read"
                    .formatted(self.standing() == Standing.LOST ? "lost" : "new")
                + " %d others; it has read %d (%s)"
                    .formatted(
                        deciding,
                        catchUp.helpful(),
                        progress.entrySet().stream()
                            .filter(entry -> entry.getValue().done().isPresent())
                            .map(entry -> entry.getKey().hostPort())
                            .collect(Collectors.joining(", ")))));
  }

  private void become(Set<String> founders) throws SQLException, IOException {
    Standing was = file.identity().standing();
    if (!copied.isEmpty()) {
      for (StateFile.Row row : file.load()) {
        copied.merge(row.key(), row.register(), Register::mergeData);
      }
      file.save(copied);
      copied.forEach(replica::saved);
    }
    file.becomeWhole(founders);
    getTimers().cancel(Tick.CATCH_UP);
    if (was == Standing.LOST) {
      LOG.warn("shared state {}: {} objects taken over from other nodes", folder, copied.size());
    }
    copied.clear();
    progress.clear();
    loaded(file.load());
  }

  private boolean acceptLoss() throws IOException {
    if (!Files.deleteIfExists(folder.resolve(ACCEPT_LOSS))) {
      return false;
    }
    LOG.error("{} found in {}: this copy counts as it is", ACCEPT_LOSS, folder);
    return true;
  }

  // At work

  private Receive active() {
    return receiveBuilder()
        .match(DurableStore.Store.class, this::store)
        .matchEquals(
            Tick.SAVE,
            tick -> {
              ticking = false;
              save();
            })
        .matchEquals(Tick.SAVE_AGAIN, tick -> save())
        .match(CopyRequest.class, request -> guarded(() -> answer(request)))
        .match(CopyPage.class, late -> {})
        .build();
  }

  /** Takes what is queued into one transaction: the tick is behind it in the queue. */
  private void store(DurableStore.Store store) {
    Register register = (Register) store.data().data();
    unsaved.put(store.key(), register);
    if (store.reply().isDefined()) {
      DurableStore.StoreReply reply = store.reply().get();
      if (register.refused()) {
        reply.replyTo().tell(reply.failureMsg(), getSelf());
      } else {
        unanswered.add(reply);
      }
    }
    if (unsaved.size() >= MOST_AT_ONCE) {
      save();
    } else if (!ticking) {
      ticking = true;
      getSelf().tell(Tick.SAVE, getSelf());
    }
  }

  private void save() {
    if (unsaved.isEmpty()) {
      return;
    }
    try {
      file.save(unsaved);
      unsaved.forEach(replica::saved);
      unsaved.clear();
      unanswered.forEach(reply -> reply.replyTo().tell(reply.successMsg(), getSelf()));
      if (failing) {
        failing = false;
        replica.trouble(Optional.empty());
        LOG.warn("shared state {} is written again", folder);
      }
    } catch (SQLException | IOException | RuntimeException e) {
      // Said before anybody is answered, for who is asks why.
      if (!failing) {
        failing = true;
        String line =
            "shared state in %s cannot be written (%s): this node acknowledges nothing until it can"
                .formatted(folder, H2File.oneLine(e));
        replica.trouble(Optional.of(line));
        LOG.error("{}", line);
      }
      unanswered.forEach(reply -> reply.replyTo().tell(reply.failureMsg(), getSelf()));
      getTimers().startSingleTimer(Tick.SAVE_AGAIN, Tick.SAVE_AGAIN, TRY_AGAIN);
    }
    unanswered.clear();
  }

  private void answer(CopyRequest request) throws SQLException, IOException {
    if (!unsaved.isEmpty()) {
      save();
    }
    Identity self = file.identity();
    List<StateFile.Row> rows = file.page(request.after(), PAGE_BYTES);
    boolean last = rows.isEmpty() || file.page(rows.get(rows.size() - 1).key(), 1).isEmpty();
    getSender()
        .tell(
            new CopyPage(
                self.id(),
                self.standing(),
                self.founders(),
                request.after(),
                rows.stream()
                    .map(row -> new CopiedRow(row.key(), row.register().toBytes()))
                    .toList(),
                last),
            getSelf());
  }
}
