// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.cluster.resources.ResourceApi.Manifests;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Requests that are garbage: refused with reasons, or done whole; never an exception. */
class StoreFuzzTest {
  private static final String GOOD =
      StoreClusterTest.service("web", "10.96.0.1", 80)
          + StoreClusterTest.slice("web", 3)
          + """
          ---
          apiVersion: v1
          kind: Node
          metadata: {name: node1, uid: "12", labels: {a: b}}
          spec: {podCIDRs: [10.244.1.0/24]}
          status: {addresses: [{type: InternalIP, address: 192.168.1.1}]}
          """;

  private static byte[] mutate(byte[] from, Random random) {
    byte[] bytes = from.clone();
    for (int i = random.nextInt(1, 12); i > 0; i--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] = (byte) "{}[]:,-\"'\n #&*!|>0".charAt(random.nextInt(18));
        case 2 -> {
          int length = Math.min(random.nextInt(40), bytes.length - at);
          System.arraycopy(from, random.nextInt(from.length - length + 1), bytes, at, length);
        }
        default -> {
          byte[] cut = java.util.Arrays.copyOf(bytes, Math.max(1, at));
          bytes = cut;
        }
      }
    }
    return bytes;
  }

  @Test
  @Tag("INV-CL-3")
  void whateverIsAppliedIsStoredWholeOrRefused() {
    byte[] good = GOOD.getBytes(StandardCharsets.UTF_8);
    StoreState state = new StoreState(Clock.systemUTC());
    SharedView view = new SharedView();
    int accepted = 0;
    for (int seed = 0; seed < 8_000; seed++) {
      byte[] bytes = mutate(good, new Random(seed));
      Reading reading = Reading.of(new Manifests("fuzz.yaml", bytes), seed % 5 == 0);
      Optional<ResourceApi.Reply> refusal = reading.refusal();
      if (refusal.isPresent()) {
        List<String> reasons = ((ResourceApi.Errors) refusal.get().body()).reasons();
        assertThat(reasons).isNotEmpty().allMatch(line -> line.indexOf('\n') < 0);
        continue;
      }
      Submission submission = new Submission("r" + seed, false, reading.items());
      StoreState.Judgement judgement = state.judge(Codec.submission(Codec.submission(submission)));
      if (judgement instanceof StoreState.Accepted done && done.commit().isPresent()) {
        accepted++;
        Commit commit = done.commit().get();
        state.apply(commit);
        view.take("", false, commit.version(), Codec.commits(List.of(commit)));
      }
    }
    assertThat(accepted).isGreaterThan(50);
    // Whatever the store has accepted, a node can read.
    var seen = view.snapshot(io.sluice.config.source.Snapshot.EMPTY);
    assertThat(seen.manifests()).hasSize(state.size());
    assertThat(seen.revision()).isEqualTo(state.version());
  }

  @Test
  @Tag("INV-CL-3")
  void bytesThatAreNotWhatTheyShouldBeAreFoundOut() {
    byte[] good =
        Codec.submission(
            new Submission(
                "r",
                false,
                List.of(new Submission.Item(new Ref("Node", "", "n"), 0, "{}", List.of()))));
    for (int seed = 0; seed < 20_000; seed++) {
      byte[] bytes = mutate(good, new Random(seed));
      try {
        Codec.submission(bytes); // damage that says something else is for checksums to find
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageContaining("resources");
      }
    }
    good[0] = Codec.FORMAT + 1;
    assertThatThrownBy(() -> Codec.submission(good)).hasMessageContaining("upgrade this node");
  }
}
