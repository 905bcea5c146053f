"""Questions that need more than one chain of facts: what is combined, counted, compared or filtered, exactly."""
