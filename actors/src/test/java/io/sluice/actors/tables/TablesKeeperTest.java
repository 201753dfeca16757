// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.tables;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.LoggingTestKit;
import akka.actor.testkit.typed.javadsl.ManualTime;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.pattern.StatusReply;
import io.sluice.actors.host.HostNet.Nic;
import io.sluice.actors.host.Sysctls;
import io.sluice.actors.testing.FakeHostNet;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class TablesKeeperTest {
  private final ActorTestKit kit = ActorTestKit.create(ManualTime.config());
  private final ManualTime time = ManualTime.get(kit.system());
  private final FakeHostNet net = new FakeHostNet();
  private final FakeNft nft = new FakeNft();
  private final FakeSysctls sysctls = new FakeSysctls();
  private final TestProbe<StatusReply<Done>> done = kit.createTestProbe();
  private final TestProbe<TablesKeeper.Status> status = kit.createTestProbe();
  private ActorRef<TablesKeeper.Command> keeper;

  private static final class FakeNft implements Nftables {
    private final List<String> runs = new CopyOnWriteArrayList<>();
    private volatile Optional<Found> found = Optional.empty();
    private volatile boolean refuses;

    @Override
    public void run(String commands) {
      if (refuses) {
        throw new IllegalStateException("no netfilter today");
      }
      runs.add(commands);
    }

    @Override
    public Optional<Found> find() {
      return found;
    }
  }

  private static final class FakeSysctls implements Sysctls {
    private volatile String count = "0";

    @Override
    public Optional<String> read(String key) {
      return key.endsWith("nf_conntrack_count") ? Optional.of(count) : Optional.empty();
    }

    @Override
    public void write(String key, String value) {
      throw new UnsupportedOperationException();
    }

    @Override
    public List<String> list(String key) {
      return List.of();
    }
  }

  @BeforeEach
  void setUp() {
    net.nics.add(new Nic(7, "cali1", true));
    net.nics.add(new Nic(8, "cali2", true));
    keeper = kit.spawn(TablesKeeper.create(nft, sysctls, net));
  }

  @AfterEach
  void tearDown() {
    kit.shutdownTestKit();
  }

  private boolean begin(Map<Integer, String> ready) {
    keeper.tell(new TablesKeeper.Begin(List.of("cali"), ready, done.getRef()));
    return done.receiveMessage().isSuccess();
  }

  private void put(Set<String> ready, boolean conntrack) {
    String build = new Ruleset(List.of("cali"), conntrack, false).build();
    nft.found = Optional.of(new Nftables.Found(build, ready, Map.of("midflow", 3L)));
  }

  private void admit(int ifindex, String nic) {
    keeper.tell(new TablesKeeper.Admit(ifindex, nic, done.getRef()));
    done.receiveMessage();
  }

  private void expel(int ifindex, String nic) {
    keeper.tell(new TablesKeeper.Expel(ifindex, nic, done.getRef()));
    done.receiveMessage();
  }

  @Test
  @Tag("INV-GAP-1")
  @Tag("INV-AG-1")
  void theTableComesWithWhatIsReadyAlreadyInOneTransaction() {
    assertThat(begin(Map.of(7, "cali1"))).isTrue();
    assertThat(nft.runs).singleElement().asString().contains("elements = { 7 }", "delete table");
  }

  @Test
  @Tag("INV-AG-1")
  void aTableThatIsRightIsLeftAlone() {
    put(Set.of("cali1"), false);
    begin(Map.of(7, "cali1"));
    assertThat(nft.runs).isEmpty();
    admit(7, "cali1");
    assertThat(nft.runs).isEmpty();
  }

  @Test
  void aSetThatIsWrongIsReplacedAlone() {
    put(Set.of("cali1", "cali2", "99"), false);
    begin(Map.of(7, "cali1"));
    assertThat(nft.runs)
        .containsExactly("flush set inet sluice ready\nadd element inet sluice ready { 7 }\n");
  }

  @Test
  void interfacesComeAndGoOneByOneAndOnlyForTheirOwner() {
    begin(Map.of());
    put(Set.of(), false);
    nft.runs.clear();
    admit(7, "cali1");
    admit(7, "cali1");
    assertThat(nft.runs).containsExactly("add element inet sluice ready { 7 }\n");
    expel(7, "cali-former");
    assertThat(nft.runs).hasSize(1);
    expel(7, "cali1");
    assertThat(nft.runs).last().isEqualTo("delete element inet sluice ready { 7 }\n");
  }

  @Test
  void manyAtOnceAreOneTransactionOrFew() {
    begin(Map.of());
    put(Set.of(), false);
    nft.runs.clear();
    for (int i = 100; i < 200; i++) {
      keeper.tell(new TablesKeeper.Admit(i, "cali" + i, done.getRef()));
    }
    done.receiveSeveralMessages(100);
    assertThat(nft.runs).hasSizeLessThan(100);
    assertThat(String.join("", nft.runs)).contains("100", "199");
  }

  @Test
  @Tag("INV-TAB-1")
  void kernelConntrackIsAskedOnceItIsAtWork() {
    begin(Map.of());
    assertThat(nft.runs).singleElement().asString().doesNotContain("ct state");
    put(Set.of(), false);
    sysctls.count = "12";
    time.timePasses(Duration.ofSeconds(30));
    keeper.tell(new TablesKeeper.GetStatus(status.getRef()));
    assertThat(status.receiveMessage())
        .isEqualTo(new TablesKeeper.Status(true, true, Map.of("midflow", 3L)));
    assertThat(nft.runs).last().asString().contains("ct state established,related accept");
  }

  @Test
  @Tag("INV-AG-3")
  void masqueradesWhereItIsNeededAndAfterARestartUntilItIsKnownNotToBe() {
    begin(Map.of());
    assertThat(nft.runs).singleElement().asString().doesNotContain("masquerade");
    keeper.tell(new TablesKeeper.Masquerade(true));
    keeper.tell(new TablesKeeper.GetStatus(status.getRef()));
    status.receiveMessage();
    assertThat(nft.runs).last().asString().contains("masquerade fully-random");

    Ruleset rules = new Ruleset(List.of("cali"), false, true);
    nft.found = Optional.of(new Nftables.Found(rules.build(), Set.of(), Map.of("masqueraded", 5L)));
    sysctls.count = "7"; // by our own chain, so it is no sign of others
    nft.runs.clear();
    kit.stop(keeper);
    keeper = kit.spawn(TablesKeeper.create(nft, sysctls, net));
    begin(Map.of());
    time.timePasses(Duration.ofSeconds(30));
    keeper.tell(new TablesKeeper.GetStatus(status.getRef()));
    assertThat(status.receiveMessage()).isEqualTo(new TablesKeeper.Status(true, false, Map.of()));
    assertThat(nft.runs).isEmpty();
    keeper.tell(new TablesKeeper.Masquerade(false));
    keeper.tell(new TablesKeeper.GetStatus(status.getRef()));
    status.receiveMessage();
    assertThat(nft.runs).singleElement().asString().doesNotContain("masquerade", "ct state");
  }

  @Test
  void aTableThatSomebodyFlushedIsPutBack() {
    begin(Map.of(7, "cali1"));
    nft.runs.clear();
    LoggingTestKit.warn("changed by somebody else")
        .expect(
            kit.system(),
            () -> {
              time.timePasses(Duration.ofSeconds(30));
              return null;
            });
    assertThat(nft.runs).singleElement().asString().contains("elements = { 7 }");
  }

  @Test
  void aKernelThatRefusesIsToldAndTriedAgain() {
    nft.refuses = true;
    assertThat(begin(Map.of(7, "cali1"))).isFalse();
    nft.refuses = false;
    time.timePasses(Duration.ofSeconds(30));
    admit(8, "cali2");
    assertThat(nft.runs).isNotEmpty();
    assertThat(nft.runs.get(0)).contains("elements = { 7 }");
  }
}
