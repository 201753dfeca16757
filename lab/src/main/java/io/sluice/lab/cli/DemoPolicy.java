// SPDX-License-Identifier: Apache-2.0
package io.sluice.lab.cli;

import io.sluice.lab.Addresses;
import io.sluice.lab.Lab;
import io.sluice.lab.LabException;
import io.sluice.lab.Topology;
import io.sluice.lab.Traffic;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/** Shows a policy: a pod is reached, then not, then again. */
final class DemoPolicy {
  /** Each look takes as long as its requests wait in vain: enough for a change to be in force. */
  private static final int LOOKS = 40;

  private static final int REQUESTS = 3;
  private static final int TIMEOUT_MILLIS = 300;
  private static final String POLICY =
      """
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: demo, namespace: default}
      spec:
        podSelector: {matchLabels: {app: web}}
        policyTypes: [Ingress]
        ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
      """;

  private final Lab lab;
  private final Topology topology;
  private final PrintWriter out;

  DemoPolicy(Lab lab, Topology topology, PrintWriter out) {
    this.lab = lab;
    this.topology = topology;
    this.out = out;
  }

  /** Whether all was as it must be. */
  boolean show() {
    out.printf("%na policy: web pods may be asked by web pods alone%n%n");
    boolean good = comes("no policy", true);
    change("apply");
    good &= comes("with the policy", false);
    change("delete");
    return good & comes("without it again", true);
  }

  private boolean comes(String when, boolean wanted) {
    boolean reached = !wanted;
    for (int i = 0; i < LOOKS && reached != wanted; i++) {
      reached = reaches();
    }
    String said = reached ? "answered" : "silence";
    out.printf("%-20s client asks web-1: %s%s%n", when, said, reached == wanted ? "" : "   FAILED");
    out.flush();
    return reached == wanted;
  }

  private boolean reaches() {
    Topology.Pod web =
        topology.pods().stream().filter(p -> p.name().equals("web-1")).findFirst().orElseThrow();
    try (Traffic traffic =
        lab.traffic(
            "pod-default-client",
            Traffic.Spec.newFlows("tcp", Addresses.pod4(topology, web), web.ports().get(0), 100)
                .count(REQUESTS)
                .timeout(TIMEOUT_MILLIS))) {
      return traffic.await().answers() > 0;
    }
  }

  private void change(String verb) {
    if (topology.source() == Topology.Source.CLUSTER) {
      boolean done =
          lab.request(topology.nodes().get(0).name(), "POST", "/api/v1/" + verb, POLICY)
              .filter(Lab.Answer::ok)
              .isPresent();
      if (!done) {
        throw new LabException("the agents refuse to " + verb + " a policy");
      }
      return;
    }
    Path file = lab.names().manifests().resolve("demo-policy.yaml");
    try {
      if (verb.equals("delete")) {
        Files.delete(file);
      } else {
        Files.writeString(file, POLICY);
      }
    } catch (IOException e) {
      throw new LabException("cannot write to " + file + ": " + e.getMessage(), e);
    }
  }
}
