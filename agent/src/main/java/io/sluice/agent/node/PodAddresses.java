// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.agent.explain.Question;
import io.sluice.config.model.Kind;
import io.sluice.config.model.Pod;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.source.Snapshot;
import io.sluice.kernel.layout.Ip;
import java.util.Optional;

/** Pods' addresses, by {@code NAMESPACE/NAME}. */
record PodAddresses(Snapshot snapshot) implements Question.Resolver {
  @Override
  public Ip resolve(String name, Optional<Ip> like) {
    String[] parts = name.split("/", -1);
    if (parts.length != 2) {
      throw new IllegalArgumentException(name + " is neither an address nor NAMESPACE/NAME");
    }
    Pod pod =
        snapshot
            .find(Pod.class, new ResourceKey(Kind.POD, parts[0], parts[1]))
            .orElseThrow(() -> new IllegalArgumentException("there is no pod " + name));
    return pod.podIps().stream()
        .map(ServiceNames::ip)
        .filter(ip -> like.isEmpty() || like.get().family() == ip.family())
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "the pod "
                        + name
                        + " has no address"
                        + like.map(l -> " of IPv" + l.family().number()).orElse("")));
  }
}
