// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.actors.testing.Resources;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.Pod;
import io.sluice.config.model.QosControls;
import io.sluice.config.model.Resource;
import io.sluice.config.model.WorkloadEndpoint;
import io.sluice.kernel.layout.Ip;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whose addresses are, from view to view. */
class OwnersTest {
  private static final String ONE = "10.244.2.1";
  private static final String ONE6 = "fd00:244:2::1";
  private static final Set<Ip> BOTH = Set.of(Ip.parse(ONE), Ip.parse(ONE6));
  private static final Set<Ip> FIRST = Set.of(Ip.parse(ONE));

  private final Owners owners = new Owners();

  private static Pod pod(String name, String uid, long made, String node, String... addresses) {
    Optional<Instant> created =
        made == 0 ? Optional.empty() : Optional.of(Instant.ofEpochSecond(made));
    return Resources.pod(
        new ObjectMeta(name, "default", Map.of(), Map.of(), "", uid, created), node, addresses);
  }

  private static WorkloadEndpoint endpoint(String name, String uid, String node, String address) {
    return Resources.endpoint(
        new ObjectMeta(name, "default", Map.of(), Map.of(), "", uid, Optional.empty()),
        node,
        "cali1",
        List.of(),
        address);
  }

  private Optional<Owners.Change> see(Resource... all) {
    owners.see(Resources.snapshot(true, all));
    return owners.handedOver();
  }

  private static void assertNobodys(Optional<Owners.Change> change, Set<Ip> addresses) {
    assertThat(change).contains(new Owners.Change(addresses, Set.of()));
  }

  private static void assertTaken(Optional<Owners.Change> change, Set<Ip> addresses) {
    assertThat(change).contains(new Owners.Change(Set.of(), addresses));
  }

  @Test
  @Tag("INV-POL-1")
  void addressesOfBothFamiliesChangeHands() {
    see(pod("a", "", 0, "node2", ONE, ONE6));
    assertNobodys(see(), BOTH);
    assertTaken(see(pod("b", "", 0, "node2", ONE, ONE6)), BOTH);
    assertTaken(see(pod("c", "", 0, "node2", ONE, ONE6)), BOTH);
    assertThat(see(pod("c", "", 0, "node2", ONE, ONE6))).isEmpty();
    // It keeps one of its addresses.
    assertNobodys(see(pod("c", "", 0, "node2", ONE6)), FIRST);
  }

  @Test
  @Tag("INV-AG-3")
  void onlyViewsThatAreInSyncTakeAnAddressFromAnybody() {
    assertThat(see(pod("a", "", 0, "node2", ONE))).as("nothing to compare with").isEmpty();
    owners.see(Resources.snapshot(false));
    assertThat(owners.handedOver()).isEmpty();
    assertThat(see(pod("a", "", 0, "node2", ONE))).isEmpty();
    // It is told until somebody has asked, and as it is by then.
    owners.see(Resources.snapshot(true));
    owners.see(Resources.snapshot(true, pod("b", "", 0, "node2", ONE)));
    owners.see(Resources.snapshot(true, pod("b", "", 0, "node2", ONE)));
    assertTaken(owners.handedOver(), FIRST);
  }

  @Test
  @Tag("INV-POL-1")
  void aPodThatIsMadeAgainIsAnother() {
    see(pod("a", "1", 0, "node2", ONE));
    assertTaken(see(pod("a", "2", 0, "node2", ONE)), FIRST);
    assertThat(see(pod("a", "", 0, "node2", ONE))).as("it does not say").isEmpty();
    assertThat(see(pod("a", "", 7, "node2", ONE))).isEmpty();
    assertTaken(see(pod("a", "", 8, "node2", ONE)), FIRST);
    assertTaken(see(pod("a", "", 8, "node3", ONE)), FIRST);
  }

  @Test
  void labelsAndEndpointsOfAPodMakeNoOther() {
    Pod pod = pod("a", "1", 5, "node2", ONE);
    see(pod);
    ObjectMeta meta = pod.meta();
    Pod labelled =
        new Pod(
            new ObjectMeta(
                "a", "default", Map.of("app", "web"), Map.of(), "9", "1", meta.creationTimestamp()),
            "node2",
            false,
            pod.podIps(),
            List.of(),
            "default",
            false,
            List.of(),
            QosControls.NONE);
    assertThat(see(labelled)).isEmpty();
    assertThat(see(labelled, endpoint("a", "77", "node2", ONE))).isEmpty();
    assertThat(see(endpoint("a", "77", "node2", ONE))).isEmpty();
    assertTaken(see(endpoint("a", "78", "node2", ONE)), FIRST);
    assertThat(see(labelled, endpoint("a", "78", "node2", ONE))).isEmpty();
    assertThat(see(labelled)).isEmpty();
  }

  /** One that is finished has no network; one that lingers is older than who has its address. */
  @Test
  @Tag("INV-POL-1")
  void ofSeveralTheOneMadeLastHasIt() {
    Pod old = pod("a", "1", 5, "node2", ONE);
    Pod next = pod("b", "2", 6, "node2", ONE);
    see(old);
    assertTaken(see(old, next), FIRST);
    assertThat(see(next)).as("it was not its any more").isEmpty();
    // Of equally old ones each has it, until it is gone.
    Pod twin = pod("c", "3", 6, "node2", ONE);
    assertThat(see(next, twin)).isEmpty();
    assertTaken(see(twin), FIRST);
  }
}
