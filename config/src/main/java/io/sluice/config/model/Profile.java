// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.model;

import java.util.List;
import java.util.Map;

/**
 * projectcalico.org/v3 Profile: labels for its endpoints, and rules that are asked where no policy
 * has decided.
 */
public record Profile(
    ObjectMeta meta,
    Map<String, String> labelsToApply,
    List<PolicyRule> ingress,
    List<PolicyRule> egress)
    implements Resource {
  public Profile {
    labelsToApply = Map.copyOf(labelsToApply);
    ingress = List.copyOf(ingress);
    egress = List.copyOf(egress);
  }

  @Override
  public Kind kind() {
    return Kind.PROFILE;
  }
}
