// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cluster.resources.StoreState.Accepted;
import io.sluice.cluster.resources.StoreState.Judgement;
import io.sluice.cluster.resources.StoreState.Refused;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a request does to the store, and what is refused. */
class StoreStateTest {
  private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

  private final StoreState state = new StoreState(Clock.fixed(NOW, ZoneOffset.UTC));

  private static Ref ref(String name) {
    return new Ref("Service", "default", name);
  }

  private static String body(String name, String spec) {
    return "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\""
        + name
        + "\",\"namespace\":\"default\"},\"spec\":"
        + spec
        + "}";
  }

  private static Submission.Item put(String name, String spec, String... claims) {
    return new Submission.Item(ref(name), 0, body(name, spec), List.of(claims));
  }

  private static Submission.Item delete(String name) {
    return new Submission.Item(ref(name), 0, "", List.of());
  }

  private static Submission request(Submission.Item... items) {
    return new Submission(UUID.randomUUID().toString(), false, List.of(items));
  }

  private Commit.Outcome does(Submission.Item... items) {
    return does(request(items));
  }

  private Commit.Outcome does(Submission submission) {
    Judgement judgement = state.judge(submission);
    assertThat(judgement).isInstanceOf(Accepted.class);
    ((Accepted) judgement).commit().ifPresent(state::apply);
    return ((Accepted) judgement).outcome();
  }

  private List<String> refuses(Submission.Item... items) {
    Codec.Snapshot before = state.snapshot();
    Judgement judgement = state.judge(request(items));
    assertThat(judgement).isInstanceOf(Refused.class);
    assertThat(state.snapshot()).isEqualTo(before);
    return ((Refused) judgement).reasons();
  }

  @Test
  void aResourceIsCreatedConfiguredLeftAndDeleted() {
    assertThat(does(put("a", "{\"x\":1}"), put("b", "{}")).verbs()).isEqualTo("nn");
    Stored a = state.find(ref("a")).orElseThrow();
    Stored b = state.find(ref("b")).orElseThrow();
    assertThat(a.version()).isEqualTo(1);
    assertThat(b.created()).isGreaterThan(a.created());
    assertThat(a.json(ref("a")))
        .isEqualTo(
            "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"a\","
                + "\"namespace\":\"default\",\"uid\":\""
                + a.uid()
                + "\",\"resourceVersion\":\"1\",\"creationTimestamp\":\"2026-01-31T12:00:00.000001Z\"},"
                + "\"spec\":{\"x\":1}}");

    assertThat(does(put("a", "{\"x\":1}"), delete("none")).verbs()).isEqualTo("um");
    assertThat(state.version()).isEqualTo(1);
    assertThat(does(put("a", "{\"x\":2}"), put("b", "{}")).verbs()).isEqualTo("cu");
    Stored changed = state.find(ref("a")).orElseThrow();
    assertThat(changed.uid()).isEqualTo(a.uid());
    assertThat(changed.created()).isEqualTo(a.created());
    assertThat(changed.version()).isEqualTo(2);
    assertThat(does(delete("a"), delete("b")).verbs()).isEqualTo("dd");
    assertThat(state.size()).isZero();
    assertThat(state.bytes()).isZero();
    assertThat(state.version()).isEqualTo(3);
  }

  @Test
  void theOrderOfFieldsIsNoChange() {
    does(put("a", "{\"x\":1,\"y\":2}"));
    assertThat(does(put("a", "{\"y\":2,\"x\":1}")).verbs()).isEqualTo("u");
  }

  @Test
  @Tag("INV-CL-3")
  void aStaleVersionIsRefusedWithAllElse() {
    does(put("a", "{}"));
    does(put("a", "{\"x\":1}"));
    Submission.Item stale = new Submission.Item(ref("a"), 1, body("a", "{}"), List.of());
    assertThat(refuses(put("b", "{}"), stale))
        .containsExactly(
            "Service default/a: metadata.resourceVersion: has changed: yours is 1, the store's is"
                + " 2; get it again");
    Submission.Item gone = new Submission.Item(ref("c"), 1, "", List.of());
    assertThat(refuses(gone).get(0)).contains("it is not there any more");
    assertThat(does(new Submission.Item(ref("a"), 2, "", List.of())).verbs()).isEqualTo("d");
  }

  @Test
  @Tag("INV-CL-3")
  void aFrontendHasOneOwner() {
    does(put("a", "{}", "10.0.0.1:80/TCP", "10.0.0.1:443/TCP"));
    assertThat(refuses(put("b", "{}", "10.0.0.1:443/TCP")))
        .containsExactly(
            "Service default/b: 10.0.0.1:443/TCP belongs to Service default/a already");
    assertThat(refuses(put("c", "{}", "10.0.0.2:80/TCP"), put("d", "{}", "10.0.0.2:80/TCP")))
        .containsExactly("Service default/d: 10.0.0.2:80/TCP belongs to Service default/c already");
    // It may change hands within one request, in either order.
    does(put("b", "{}", "10.0.0.1:443/TCP"), put("a", "{\"x\":1}", "10.0.0.1:80/TCP"));
    does(delete("b"), put("e", "{}", "10.0.0.1:443/TCP"));
    assertThat(refuses(put("b", "{}", "10.0.0.1:443/TCP"))).hasSize(1);
    does(delete("e"));
    does(put("b", "{}", "10.0.0.1:443/TCP"));
  }

  @Test
  @Tag("INV-AG-2")
  void aRequestThatComesTwiceIsDoneOnceAlsoByTheNextHome() {
    Submission submission = request(put("a", "{}"));
    Commit.Outcome first = does(submission);
    does(put("a", "{\"x\":1}"));
    assertThat(does(submission)).isEqualTo(first);
    StoreState next = new StoreState(Clock.systemUTC());
    next.restore(Codec.snapshot(Codec.snapshot(state.snapshot())));
    assertThat(((Accepted) next.judge(submission)).outcome()).isEqualTo(first);
    assertThat(next.snapshot()).isEqualTo(state.snapshot());
  }

  @Test
  void aDryRunChangesNothing() {
    Submission dry = new Submission("dry", true, List.of(put("a", "{}")));
    assertThat(does(dry).verbs()).isEqualTo("n");
    assertThat(state.size()).isZero();
    assertThat(state.version()).isZero();
  }

  @Test
  @Tag("INV-CL-3")
  void aFullStoreTakesNothingMore() {
    String large = "\"" + "x".repeat(200_000) + "\"";
    List<Submission.Item> many = new ArrayList<>();
    for (int i = 0; i < 330; i++) {
      many.add(put("a" + i, large));
    }
    does(many.toArray(Submission.Item[]::new));
    assertThat(refuses(many("b", large)).get(0)).contains("the store is full");
    does(delete("a1"));
    does(put("a2", "{}"));
  }

  private static Submission.Item[] many(String prefix, String spec) {
    Submission.Item[] many = new Submission.Item[20];
    for (int i = 0; i < many.length; i++) {
      many[i] = put(prefix + i, spec);
    }
    return many;
  }

  @Test
  void whatIsEncodedIsReadAgain() {
    Submission submission = request(put("a", "{\"ä\":\"€\"}", "10.0.0.1:80/TCP"), delete("b"));
    assertThat(Codec.submission(Codec.submission(submission))).isEqualTo(submission);
    Accepted accepted = (Accepted) state.judge(submission);
    List<Commit> commits = List.of(accepted.commit().orElseThrow());
    assertThat(Codec.commits(Codec.commits(commits))).isEqualTo(commits);
  }
}
