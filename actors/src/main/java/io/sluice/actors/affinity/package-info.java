// SPDX-License-Identifier: Apache-2.0
/** Which backend a client had last: what programs write, and the agent cleans up. */
package io.sluice.actors.affinity;
